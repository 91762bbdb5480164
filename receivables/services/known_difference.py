"""Diferença conhecida: who is responsible for one; what clears it is recorded in `cash_movement` (S86, G.4)."""

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet

from receivables.domain.errors import OwnerOutOfReach
from receivables.models import ClosedCashReversal, KnownDifferenceAssignment
from receivables.models.audited import Actor, signed_by


def possible_owners(record: ClosedCashReversal) -> QuerySet:
    """Give the people who may answer for a difference: active, at a desk, of the account's branch."""
    people = get_user_model().objects.filter(is_active=True, is_staff=True)
    of_branch = Q(branches=record.account.branch_id) | Q(is_superuser=True)
    return people.filter(of_branch).distinct().order_by("username")


@transaction.atomic
def assign_difference(
    *, record_id: int, owner_id: int, by: Actor, now: datetime, notes: str = ""
) -> KnownDifferenceAssignment:
    """Make a person responsible for a known difference; earlier assignments stay readable.

    Raises OwnerOutOfReach for who does not work in the account's branch.
    """
    record = ClosedCashReversal.objects.select_related("account__branch").get(pk=record_id)
    owner: Any = get_user_model().objects.get(pk=owner_id)
    if not possible_owners(record).filter(pk=owner.pk).exists():
        raise OwnerOutOfReach(person=owner.get_username(), branch=str(record.account.branch))
    return KnownDifferenceAssignment.objects.create(
        record=record, owner=owner, notes=notes[:500], posted_at=now, **signed_by(by)
    )
