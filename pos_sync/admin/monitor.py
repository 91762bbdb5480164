"""Monitor de sincronização: all tills and branches at a glance; the figures are those of `figures.monitor`."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from pos_sync.figures.monitor import BranchPart, Heap, LateClosing, Monitor, TillLine, monitor_of
from pos_sync.figures.numbers import told
from pos_sync.models import OperationState
from pos_sync.services.daily_sync import SynchronisationFailed, synchronise_now
from receivables.admin.base import branches_of
from receivables.admin.branch_switch import at_branch
from receivables.admin.explain import explain, reais
from receivables.admin.pages import Page, add_page
from receivables.admin.tables import change_url
from receivables.domain.money import from_cents
from receivables.models import Actor

SEES, MANAGES = "pos_sync.view_device", "pos_sync.manage_devices"
GAPS_NAMED = 3
WAITS = (OperationState.PENDING.value, OperationState.WAITING.value)
COLUMNS: tuple[tuple[tuple[str, ...], Any], ...] = (
    (WAITS, _("waiting")), ((OperationState.REVIEW.value,), _("in review")), ((OperationState.HELD.value,), _("held")),
    ((OperationState.QUARANTINED.value,), _("quarantined")),
)  # fmt: skip
"""The columns of operations: their states, and what they are called."""

CHOICES: Mapping[str, Any] = {
    "": _("All"), "look": _("To look at"), "silent": _("Without contact today"), "missing": _("Numbers missing"),
}  # fmt: skip


def monitor_page(request: HttpRequest) -> dict[str, Any]:
    """Show every till of the branches, or those of which one thing is to be looked at."""
    now = timezone.now()
    found, today, asked = monitor_of(at_branch(request), now=now), timezone.localdate(now), request.GET.get("show", "")
    parts = [(part, [_line(line, now) for line in part.tills if _is_asked(line, asked, today)]) for part in found.parts]
    return {
        "title": gettext("Synchronisation monitor"), "now": now, "monitor": found, "asked": asked,
        "numbers": _numbers(found, today), "choices": _choices(found, asked, today),
        "parts": [(_part(part, today), lines) for part, lines in parts if lines], "totals": _totals(found),
        "pending": reais(from_cents(found.pending.cents)),
        "closings": [_closing(each) for each in found.closings], "may_sync": request.user.has_perm(MANAGES),
        "pair": reverse("admin:pos_sync_device_pair"),
    }  # fmt: skip


def _is_asked(line: TillLine, asked: str, today: date) -> bool:
    return {
        "look": line.needs_a_look or line.is_silent_on(today), "silent": line.is_silent_on(today),
        "missing": bool(line.numbers.gaps),
    }.get(asked, True)  # fmt: skip


def _choices(found: Monitor, asked: str, today: date) -> list[dict[str, Any]]:
    return [
        {
            "label": label, "query": f"?show={code}" if code else "?", "is_chosen": code == asked,
            "count": sum(_is_asked(line, code, today) for line in found.tills),
        }
        for code, label in CHOICES.items()
    ]  # fmt: skip


def _numbers(found: Monitor, today: date) -> list[tuple[Any, str, str, bool]]:
    """Give the strip: what it is, the number, a word under it, whether it is trouble."""
    silent = sum(line.is_silent_on(today) for line in found.tills)
    in_dispute = found.total(OperationState.QUARANTINED)
    to_judge = found.total(OperationState.REVIEW) + found.total(OperationState.HELD)
    return [
        (_("Tills in use"), str(len(found.in_use)), gettext("%(count)s without contact today") % {"count": silent},
         bool(silent)),
        (_("Pending at the tills"), reais(from_cents(found.pending.cents)), _operations(found.pending.count), False),
        (_("To be judged"), reais(from_cents(to_judge.cents)), _operations(to_judge.count), bool(to_judge.count)),
        (_("Money in dispute"), reais(from_cents(in_dispute.cents)), _operations(in_dispute.count),
         bool(in_dispute.count)),
        (_("Numbers missing"), str(found.missing), _repeated(found.repeated), bool(found.missing or found.repeated)),
    ]  # fmt: skip


def _repeated(count: int) -> str:
    return ngettext("%(count)s repeated", "%(count)s repeated", count) % {"count": count}


def _operations(count: int) -> str:
    return ngettext("%(count)s operation", "%(count)s operations", count) % {"count": count}


def _line(line: TillLine, now: datetime) -> dict[str, Any]:
    """Write one till's cells."""
    device, exposure, numbers = line.device, line.exposure, line.numbers
    operations = {"device__id__exact": device.pk}
    return {
        "line": line, "address": change_url(device),
        "contact": _ago(exposure.last_contact_at, now), "is_silent": line.is_silent_on(timezone.localdate(now)),
        "data": _lasting(exposure.age), "data_word": _data_word(line),
        "pending": reais(from_cents(exposure.pending_cents)),
        "receipts": _list(
            "receivables_receipt", number__startswith=f"{line.begins}-", branch__id__exact=device.branch_id
        ),
        "gaps": told(numbers.gaps, begins=line.begins, most=GAPS_NAMED).split(", "),
        "cells": [
            (_cell(line.waiting if states is WAITS else line.heap(states[0]), **operations, state__in=",".join(states)),
             label)
            for states, label in COLUMNS
        ],
        "session": change_url(line.session) if line.session else "",
    }  # fmt: skip


def _data_word(line: TillLine) -> Any:
    if line.exposure.must_stop:
        return _("stopped: older than %(hours)s h") % {"hours": line.exposure.policy.stop_age_hours}
    if line.exposure.is_old:
        return _("older than %(hours)s h") % {"hours": line.exposure.policy.warn_age_hours}
    return ""


def _ago(at: datetime | None, now: datetime) -> str:
    return gettext("%(time)s ago") % {"time": _lasting(now - at)} if at else gettext("never")


def _lasting(span: timedelta | None) -> str:
    """Write how long something lasts by its largest unit; what is not there is a dash."""
    if span is None:
        return "—"
    now = timezone.now()
    return timesince(now - span, now, depth=1) if span >= timedelta(minutes=1) else gettext("under 1 minute")


def _cell(heap: Heap, **query: Any) -> dict[str, Any]:
    return {"heap": heap, "amount": reais(from_cents(heap.cents)), "address": _list("pos_sync_operation", **query)}


def _list(noun: str, **query: Any) -> str:
    return f"{reverse(f'admin:{noun}_changelist')}?{urlencode(query)}"


def _part(part: BranchPart, today: date) -> dict[str, Any]:
    """Head a branch's tills with its last daily synchronisation."""
    daily = part.daily
    failed = part.newest if part.newest and part.newest.result == "failed" else None
    return {
        "branch": part.branch, "daily": daily, "is_of_today": bool(daily and daily.business_date == today),
        "failed": failed, "runs": _list("pos_sync_syncrun", branch__id__exact=part.branch.pk),
    }  # fmt: skip


def _totals(found: Monitor) -> list[tuple[dict[str, Any], Any]]:
    return [
        (_cell(found.waiting if states is WAITS else found.total(states[0]), state__in=",".join(states)), label)
        for states, label in COLUMNS
    ]


def _closing(late: LateClosing) -> dict[str, Any]:
    closing = late.closing
    return {
        "closing": closing, "address": change_url(closing.session), "late": late,
        "pending": reais(closing.pending_amount), "arrived": reais(from_cents(late.late.cents)),
    }  # fmt: skip


def sync_view(request: HttpRequest) -> HttpResponse:
    """Build the snapshot of a branch anew, because a manager wishes so (forced synchronisation)."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    asked = request.POST.get("branch", "")
    branch = branches_of(request.user).filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() else None
    if branch is None:
        raise Http404(gettext("There is no such row, or it belongs to another branch."))
    try:
        run = synchronise_now(branch=branch, by=Actor.person(request.user), now=timezone.now())
    except SynchronisationFailed as broken:
        messages.error(request, explain(broken))
    else:
        done = gettext("%(branch)s was synchronised: %(rows)s installments. Its tills get them at their next contact.")
        messages.success(request, done % {"branch": branch, "rows": run.rows})
    return HttpResponseRedirect(reverse("admin:monitor"))


add_page(Page("monitor", "pos_sync/monitor/", monitor_page, (SEES,), "admin/quita/monitor.html"))
add_page(Page("monitor_sync", "pos_sync/monitor/sync/", sync_view, (MANAGES,)))
