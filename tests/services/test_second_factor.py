"""The second factor: a code is good once, recovery codes are kept as hashes, each change is told (G.19)."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from receivables.domain.errors import (
    CodeTooSoon,
    FactorAlreadyThere,
    FactorMissing,
    ReasonTooShort,
    WrongCode,
)
from receivables.models import AccessEvent, Actor
from receivables.services.second_factor import (
    begin_enrolment,
    check_code,
    codes_left,
    confirm_enrolment,
    has_factor,
    must_enrol,
    remove_factor,
    renew_codes,
    secret_in_groups,
)
from tests.admin.phones import enrol, shown_by
from tests.ledger import refused
from tests.make import CASHIER, NOW, REASON, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def person():
    return make_user()


def check(person, code):
    return check_code(user=person, code=code, by=Actor.person(person))


def kinds():
    return list(AccessEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_a_phone_counts_once_its_first_code_was_typed(person):
    device = begin_enrolment(user=person)
    assert not has_factor(person)
    confirm_enrolment(user=person, code=shown_by(device), by=Actor.person(person))
    assert has_factor(person)
    assert kinds() == ["factor_enrolled"]


def test_beginning_again_makes_another_secret(person):
    first, second = (begin_enrolment(user=person).key for _each in range(2))
    assert first != second
    assert TOTPDevice.objects.count() == 1


def test_a_wrong_first_code_enrols_nothing(person):
    begin_enrolment(user=person)
    with pytest.raises(WrongCode):
        confirm_enrolment(user=person, code="000000", by=CASHIER)
    assert (has_factor(person), kinds()) == (False, [])


def test_a_second_phone_waits_for_the_first_to_go(person):
    enrol(person)
    with refused(FactorAlreadyThere, "factor_already_there"):
        begin_enrolment(user=person)


def test_a_code_is_good_once(person):
    device, _codes = enrol(person)
    check(person, shown_by(device, later=1))
    with pytest.raises(WrongCode):
        check(person, shown_by(device, later=1))


def test_the_code_of_the_enrolment_logs_nobody_in(person):
    device, _codes = enrol(person)
    with pytest.raises(WrongCode):
        check(person, shown_by(device))


def test_wrong_codes_make_the_next_one_wait(person):
    device, _codes = enrol(person)
    with pytest.raises(WrongCode):
        check(person, "000000")
    with pytest.raises(CodeTooSoon):
        check(person, shown_by(device, later=1))
    with time_machine.travel(NOW + timedelta(seconds=31), tick=False):
        assert check(person, shown_by(device)) == device


def test_the_code_of_somebody_else_is_wrong(person):
    enrol(person)
    device, codes = enrol(make_user())
    with pytest.raises(WrongCode):
        check(person, codes[0])
    with pytest.raises(WrongCode):
        check(person, shown_by(device, later=1))


def test_a_recovery_code_stands_in_once_and_is_told(person):
    device, codes = enrol(person)
    assert check(person, codes[3].upper().replace("-", " ")) == device
    with pytest.raises(WrongCode):
        check(person, codes[3])
    assert codes_left(person) == 9
    assert kinds() == ["factor_enrolled", "recovery_code_used"]


def test_recovery_codes_are_kept_as_hashes_only(person):
    _device, codes = enrol(person)
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == len(set(codes)) == 10
    assert not kept & {code.replace("-", "") for code in codes}


def test_new_recovery_codes_end_the_former_ones(person):
    _device, codes = enrol(person)
    renewed = renew_codes(user=person, by=Actor.person(person))
    with pytest.raises(WrongCode):
        check(person, codes[0])
    with time_machine.travel(NOW + timedelta(seconds=31), tick=False):
        check(person, renewed[0])


def test_a_lost_phone_is_removed_with_a_reason(person):
    enrol(person)
    remove_factor(user_id=person.pk, reason=REASON, by=CASHIER)
    assert not has_factor(person)
    assert codes_left(person) == 0
    event = AccessEvent.objects.first()
    assert (event.kind, event.actor, event.reason) == ("factor_removed", CASHIER.name, REASON)


def test_a_reason_is_asked_for(person):
    enrol(person)
    with refused(ReasonTooShort, "reason_too_short"):
        remove_factor(user_id=person.pk, reason="perdeu", by=CASHIER)


def test_there_must_be_something_to_remove(person):
    with refused(FactorMissing, "factor_missing"):
        remove_factor(user_id=person.pk, reason=REASON, by=CASHIER)


@pytest.mark.parametrize(
    ("groups", "values", "owed"),
    [
        ([], {"is_superuser": True}, False),
        (["Gerência"], {"group": "Gerência"}, True),
        (["Gerência"], {"group": "Financeiro"}, False),
        (["Gerência"], {"is_superuser": True}, True),
    ],
)
def test_who_must_enrol_is_said_by_the_setting(settings, groups, values, owed):
    settings.SECOND_FACTOR_GROUPS = groups
    user = make_user(**values)
    assert must_enrol(user) is owed
    enrol(user)
    assert must_enrol(user) is False


def test_the_secret_is_written_in_groups_of_four(person):
    groups = secret_in_groups(begin_enrolment(user=person)).split()
    assert {len(group) for group in groups} == {4}
    assert len("".join(groups)) == 32


def test_the_last_manager_is_let_in_again_from_the_servers_own_console(person):
    enrol(person)
    call_command("remove_second_factor", person.username, reason=REASON, stdout=StringIO())
    assert not has_factor(person)
    event = AccessEvent.objects.first()
    assert (event.kind, event.actor, event.channel, event.reason) == ("factor_removed", "system", "system", REASON)


@pytest.mark.parametrize(("username", "reason"), [("ninguem", REASON), ("ana", "curto"), ("ana", REASON)])
def test_the_console_tells_what_it_refuses(username, reason):
    make_user(username="ana")
    with pytest.raises(CommandError):
        call_command("remove_second_factor", username, reason=reason, stdout=StringIO())
    assert not AccessEvent.objects.exists()
