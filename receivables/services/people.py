"""People of the back office: added, put in groups and branches, deactivated; never deleted, each change told (G.19).

A manager reaches those who work in his own branches only, and never an administrator.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import QuerySet

from receivables.domain.errors import NotOnYourself, PersonOutOfReach
from receivables.domain.reversal import checked_reason
from receivables.models import AccessChange, AccessEvent, Actor, Branch
from receivables.models.audited import signed_by
from receivables.services import second_factor

MANAGE_PEOPLE = "receivables.manage_people"


def seen_by(user: Any) -> QuerySet:
    """Give the people whom a manager sees: colleagues of his branches, and those of none."""
    people = get_user_model().objects.all()
    if user.is_superuser:
        return people
    colleagues = people.filter(branches__in=user.branches.all())
    return people.filter(pk__in=colleagues.values("pk")) | people.filter(branches=None)


def is_in_reach(person: Any, *, of: Any) -> bool:
    """Say whether a manager may change a person: all whose branches are his, and who may do no more than he."""
    if of.is_superuser:
        return True
    elsewhere = person.branches.exclude(pk__in=of.branches.values("pk"))
    above = person.groups.exclude(pk__in=groups_given_by(of).values("pk"))
    return not (person.is_superuser or elsewhere.exists() or above.exists())


def groups_given_by(manager: Any) -> QuerySet:
    """Give the groups that a manager may put people in: those that may do no more than he."""
    if manager.is_superuser:
        return Group.objects.all()
    beyond = Permission.objects.exclude(group__user=manager).exclude(user=manager)
    return Group.objects.exclude(permissions__in=beyond)


def require_reach(manager: Any, person: Any) -> None:
    """Raise PersonOutOfReach unless the manager may change the person."""
    if not is_in_reach(person, of=manager):
        raise PersonOutOfReach(person=person.get_username())


@transaction.atomic
def save_person(*, person: Any, groups: Iterable[Any], branches: Iterable[Branch], by: Actor) -> Any:
    """Save a new or changed person with his groups and branches; what changed is told, old → new."""
    is_new = person.pk is None
    before = "" if is_new else _told(get_user_model().objects.get(pk=person.pk))
    person.is_staff = True
    person.save()
    person.groups.set(groups)
    person.branches.set(branches)
    after = _told(person)
    if before != after:
        kind = AccessChange.ADDED if is_new else AccessChange.CHANGED
        _tell(person, kind, by=by, details=after if is_new else f"{before} → {after}")
    return person


@transaction.atomic
def add_to_branch(*, user: Any, branch: Branch, by: Actor) -> None:
    """Have somebody work in a branch as well; nothing happens where he does already."""
    person = _locked(user.pk)
    if not branch.members.filter(pk=person.pk).exists():
        save_person(person=person, groups=person.groups.all(), branches=[*person.branches.all(), branch], by=by)


@transaction.atomic
def set_password(*, user_id: int, password: str, by: Actor) -> Any:
    """Give a person a password that the form has checked; his sessions end with the former one."""
    person = _locked(user_id)
    person.set_password(password)
    person.save(update_fields=["password"])
    _tell(person, AccessChange.PASSWORD_SET, by=by)
    return person


def tell_new_password(*, user: Any, by: Actor) -> None:
    """Write down that a person changed his own password."""
    _tell(user, AccessChange.PASSWORD_SET, by=by)


@transaction.atomic
def deactivate_person(*, user_id: int, reason: str, by: Actor) -> Any:
    """Let somebody log in no more, from now on, with a reason (G.18); raises NotOnYourself, ReasonTooShort."""
    reason = checked_reason(reason)
    if user_id == by.user_id:
        raise NotOnYourself
    return _set_active(user_id, is_active=False, reason=reason, by=by)


@transaction.atomic
def activate_person(*, user_id: int, reason: str, by: Actor) -> Any:
    """Let somebody log in again, with a reason (G.18)."""
    return _set_active(user_id, is_active=True, reason=checked_reason(reason), by=by)


@transaction.atomic
def remove_factor_of(*, user_id: int, reason: str, by: Actor) -> Any:
    """Remove a colleague's second factor, with a reason; nobody does this to himself (G.19). Raises NotOnYourself."""
    if user_id == by.user_id:
        raise NotOnYourself
    return second_factor.remove_factor(user_id=user_id, reason=reason, by=by)


def _set_active(user_id: int, *, is_active: bool, reason: str, by: Actor) -> Any:
    person = _locked(user_id)
    if person.is_active != is_active:
        person.is_active = is_active
        person.save(update_fields=["is_active"])
        kind = AccessChange.ACTIVATED if is_active else AccessChange.DEACTIVATED
        _tell(person, kind, by=by, reason=reason)
    return person


def _locked(user_id: int) -> Any:
    return get_user_model().objects.select_for_update().get(pk=user_id)


def _told(person: Any) -> str:
    """Write who a person is and what he may do on one line."""
    groups = ", ".join(person.groups.order_by("name").values_list("name", flat=True))
    branches = ", ".join(person.branches.order_by("code").values_list("code", flat=True))
    return " · ".join(part for part in (person.get_username(), person.get_full_name(), groups, branches) if part)


def _tell(person: Any, kind: AccessChange, *, by: Actor, details: str = "", reason: str = "") -> None:
    AccessEvent.objects.create(person=person, kind=kind, details=details[:500], reason=reason, **signed_by(by))
