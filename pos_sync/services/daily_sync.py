"""The daily synchronisation: each branch's snapshot is ready before its tills wake (H5, H6).

Overdue needs no job: it is derived from the due date wherever it is asked.
"""

import logging
from datetime import date, datetime, time

from django.db.models import Exists, OuterRef
from django.utils import timezone

from pos_sync.models import Device, DeviceState, SyncRun
from pos_sync.services.snapshot import build, one_builder
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.models import Actor, Branch

logger = logging.getLogger(__name__)

READY_BY = time(5, 0)
"""From this hour on, São Paulo's (G.8), a branch without today's snapshot gets one, however late the beat wakes."""
PAGE_SIZE = 1000


class SynchronisationFailed(RuleBroken):
    message = gettext_noop(
        "The synchronisation of {branch} failed; its tills keep what they have. The cause is in Synchronisations."
    )


def prepare_all(*, now: datetime, even_before_hours: bool = False) -> int:
    """Prepare what today lacks, branch by branch, and give how many were built; one that fails stops no other."""
    local = timezone.localtime(now)
    if local.time() < READY_BY and not even_before_hours:
        return 0
    return sum(_prepared(branch, now) for branch in _without(local.date()))


def _without(today: date) -> list[Branch]:
    """List the active branches with tills in use that no daily synchronisation has served today."""
    done = SyncRun.objects.filter(
        branch=OuterRef("pk"), business_date=today, why=SyncRun.Why.DAILY, result=SyncRun.Result.BUILT
    )
    tills = Device.objects.filter(branch=OuterRef("pk"), state=DeviceState.ACTIVE)
    return list(Branch.objects.filter(Exists(tills), ~Exists(done), is_active=True).order_by("pk"))


def _prepared(branch: Branch, now: datetime) -> bool:
    """Build a branch's snapshot unless another scheduler just did."""
    try:
        with one_builder(branch.pk):
            if branch not in _without(timezone.localdate(now)):
                return False
            build(branch, page_size=PAGE_SIZE, why=SyncRun.Why.DAILY, now=now)
    except Exception:
        logger.exception("the daily synchronisation of branch %s failed; the next round tries again", branch)
        return False
    return True


def synchronise_now(*, branch: Branch, by: Actor, now: datetime) -> SyncRun:
    """Build a branch's snapshot anew, whatever there is: its tills get it at their next contact (H9, forced).

    Raises SynchronisationFailed; the run is recorded either way, signed by who asked.
    """
    try:
        with one_builder(branch.pk):
            build(branch, page_size=PAGE_SIZE, why=SyncRun.Why.PERSON, now=now, asked_by=by.name)
    except Exception as failure:
        logger.exception("the forced synchronisation of branch %s failed", branch)
        raise SynchronisationFailed(branch=str(branch)) from failure
    return SyncRun.objects.filter(branch=branch, why=SyncRun.Why.PERSON).latest("began_at", "pk")
