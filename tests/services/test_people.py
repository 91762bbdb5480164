"""People are added, put in groups and branches, deactivated; whom a manager reaches; each change is told (G.19)."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from receivables.domain.errors import NotOnYourself, PersonOutOfReach, ReasonTooShort
from receivables.models import AccessEvent, Actor
from receivables.services.groups import FINANCEIRO, GERENCIA, SUPORTE, TESOURARIA
from receivables.services.people import (
    activate_person,
    deactivate_person,
    groups_given_by,
    is_in_reach,
    remove_factor_of,
    require_reach,
    save_person,
    seen_by,
    set_password,
)
from receivables.services.second_factor import has_factor
from tests.admin.phones import enrol
from tests.ledger import refused
from tests.make import CASHIER, REASON, make_branch, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def branch():
    return make_branch()


@pytest.fixture
def manager(branch):
    return make_user(group=GERENCIA, branches=(branch,))


def test_adding_somebody_tells_groups_and_branches(branch):
    group = Group.objects.get(name=FINANCEIRO)
    person = save_person(person=User(username="bia"), groups=[group], branches=[branch], by=CASHIER)
    event = AccessEvent.objects.get()
    assert (event.kind, event.person, event.actor) == ("added", person, CASHIER.name)
    assert event.details == f"bia · Financeiro · {branch.code}"
    assert person.is_staff


def test_a_change_tells_old_and_new(branch):
    person = make_user(group=FINANCEIRO, branches=(branch,))
    save_person(person=person, groups=[Group.objects.get(name=TESOURARIA)], branches=[], by=CASHIER)
    told = AccessEvent.objects.get().details
    assert told == f"{person.username} · Financeiro · {branch.code} → {person.username} · Tesouraria"


def test_saving_without_a_change_tells_nothing(branch):
    person = make_user(group=FINANCEIRO, branches=(branch,))
    save_person(person=person, groups=person.groups.all(), branches=person.branches.all(), by=CASHIER)
    assert not AccessEvent.objects.exists()


def test_who_is_deactivated_is_kept_and_told_why():
    person = make_user()
    deactivate_person(user_id=person.pk, reason=REASON, by=CASHIER)
    assert User.objects.get(pk=person.pk).is_active is False
    assert AccessEvent.objects.get().reason == REASON
    activate_person(user_id=person.pk, reason=REASON, by=CASHIER)
    assert User.objects.get(pk=person.pk).is_active is True


def test_deactivating_asks_for_a_reason():
    person = make_user()
    with refused(ReasonTooShort, "reason_too_short"):
        deactivate_person(user_id=person.pk, reason="saiu", by=CASHIER)


@pytest.mark.parametrize("act", [deactivate_person, remove_factor_of])
def test_nobody_takes_away_his_own_access(manager, act):
    enrol(manager)
    with refused(NotOnYourself, "not_on_yourself"):
        act(user_id=manager.pk, reason=REASON, by=Actor.person(manager))
    assert has_factor(manager)


def test_a_new_password_is_told_and_not_kept():
    person = make_user()
    set_password(user_id=person.pk, password="outra-senha-boa", by=CASHIER)
    assert User.objects.get(pk=person.pk).check_password("outra-senha-boa")
    event = AccessEvent.objects.get()
    assert (event.kind, event.details, event.reason) == ("password_set", "", "")


def test_a_manager_sees_colleagues_and_those_of_no_branch(manager, branch):
    colleague, newcomer = make_user(branches=(branch,)), make_user()
    make_user(branches=(make_branch(),))
    assert set(seen_by(manager)) == {manager, colleague, newcomer}


def test_a_manager_reaches_no_one_who_works_elsewhere_too(manager, branch):
    assert is_in_reach(make_user(branches=(branch,)), of=manager)
    elsewhere_too = make_user(branches=(branch, make_branch()))
    with refused(PersonOutOfReach, "person_out_of_reach"):
        require_reach(manager, elsewhere_too)


def test_a_manager_reaches_no_administrator(manager, branch):
    assert not is_in_reach(make_user(branches=(branch,), is_superuser=True), of=manager)


def test_a_manager_gives_no_group_that_may_do_more_than_he(manager):
    beyond = Group.objects.create(name="TI")
    beyond.permissions.add(Permission.objects.get(codename="delete_user"))
    assert {group.name for group in groups_given_by(manager)} == {FINANCEIRO, GERENCIA, SUPORTE, TESOURARIA}
    person = make_user()
    person.groups.add(beyond)
    assert not is_in_reach(person, of=manager)
