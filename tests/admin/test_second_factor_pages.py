"""Logging in with a code, enrolling and removing a phone, typing the password once more, idle sessions (G.19)."""

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib import admin
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from receivables.domain.errors import CodeTooSoon, WrongCode, WrongPassword
from receivables.models import AccessEvent, CashDay, Reversal
from receivables.services.cash_day import close_day
from receivables.services.second_factor import begin_enrolment, codes_left, has_factor
from receivables.services.settlement import settle_title
from tests.admin.conftest import at_the_desk
from tests.admin.pages import PROVEN, desk, errors_of, page
from tests.admin.phones import enrol, shown_by
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, deposit, make_title, make_user

pytestmark = pytest.mark.django_db

LOGIN, CODE, FACTOR = "/admin/login/", "/admin/login/code/", "/admin/second-factor/"
QR = f"{FACTOR}qr.svg"


def is_closed(cash_day):
    return CashDay.objects.get(pk=cash_day.pk).status == "closed"


def log_in(client, user, password="secret", then="/admin/"):
    return client.post(LOGIN, {"username": user.username, "password": password, "next": then})


def is_in(client):
    return client.get("/admin/").status_code == 200


# Logging in


@pytest.fixture
def carrier(branch):
    """A person with an enrolled phone, not logged in."""
    client = Client()
    client.user = make_user(group="Gerência", branches=(branch,))
    client.device, client.codes = enrol(client.user)
    return client


def test_without_a_second_factor_the_password_is_enough(client, branch):
    assert log_in(client, make_user(branches=(branch,))).headers["Location"] == "/admin/"
    assert is_in(client)


def test_with_one_the_password_alone_lets_nobody_in(carrier):
    assert log_in(carrier, carrier.user).headers["Location"] == CODE
    assert not is_in(carrier)
    assert "_auth_user_id" not in carrier.session


def test_the_code_lets_in_and_leads_to_the_page_that_was_asked_for(carrier):
    log_in(carrier, carrier.user, then="/admin/receivables/title/?q=7")
    answered = carrier.post(CODE, {"code": shown_by(carrier.device, later=1)})
    assert answered.headers["Location"] == "/admin/receivables/title/?q=7"
    assert is_in(carrier)


def test_a_login_leads_to_no_other_host(carrier):
    log_in(carrier, carrier.user, then="https://example.com/")
    answered = carrier.post(CODE, {"code": shown_by(carrier.device, later=1)})
    assert answered.headers["Location"] == "/admin/"


def test_a_recovery_code_lets_in_when_the_phone_is_lost(carrier):
    log_in(carrier, carrier.user)
    carrier.post(CODE, {"code": carrier.codes[0]})
    assert is_in(carrier)
    assert codes_left(carrier.user) == 9


def test_a_wrong_code_is_told_beside_its_field_and_counted(carrier):
    log_in(carrier, carrier.user)
    response = carrier.post(CODE, {"code": "000000"})
    assert errors_of(response) == {"code": [WrongCode.code]}
    attempt = AccessAttempt.objects.get()
    assert (attempt.username, attempt.failures_since_start) == (carrier.user.username, 1)
    assert "000000" not in attempt.post_data


def test_after_a_wrong_code_the_right_one_waits_a_little(carrier):
    log_in(carrier, carrier.user)
    carrier.post(CODE, {"code": "000000"})
    response = carrier.post(CODE, {"code": shown_by(carrier.device, later=1)})
    assert errors_of(response) == {"code": [CodeTooSoon.code]}


def test_five_wrong_codes_lock_the_login(carrier):
    log_in(carrier, carrier.user)
    for minute in range(5):
        with time_machine.travel(NOW + timedelta(minutes=minute / 2), tick=False):
            last = carrier.post(CODE, {"code": "000000"})
    assert last.status_code == 429
    with time_machine.travel(NOW + timedelta(minutes=4), tick=False):
        carrier.post(CODE, {"code": shown_by(carrier.device)})
        assert not is_in(carrier)


def test_the_code_is_asked_for_within_five_minutes_of_the_password(carrier):
    log_in(carrier, carrier.user)
    with time_machine.travel(NOW + timedelta(minutes=6), tick=False):
        assert carrier.post(CODE, {"code": shown_by(carrier.device)}).headers["Location"] == LOGIN
        assert not is_in(carrier)


def test_the_page_of_the_code_without_a_password_leads_to_the_password(client):
    assert client.get(CODE).headers["Location"] == LOGIN


def test_somebody_deactivated_between_password_and_code_stays_out(carrier):
    log_in(carrier, carrier.user)
    carrier.user.is_active = False
    carrier.user.save()
    assert carrier.post(CODE, {"code": shown_by(carrier.device, later=1)}).headers["Location"] == LOGIN


def test_enrolling_ends_the_other_sessions_of_the_person(gerencia):
    elsewhere = at_the_desk(gerencia.user)
    gerencia.post(FACTOR, {"_start": "1", "step_up": "secret"})
    device = gerencia.user.totpdevice_set.get()
    gerencia.post(FACTOR, {"_confirm": "1", "code": shown_by(device)})
    assert is_in(gerencia)
    assert elsewhere.get("/admin/").headers["Location"].startswith(LOGIN)


# Enrolling


def test_starting_asks_for_the_password(gerencia):
    response = gerencia.post(FACTOR, {"_start": "1", "step_up": "wrong"})
    assert errors_of(response) == {"step_up": [WrongPassword.code]}
    assert not gerencia.user.totpdevice_set.exists()


def test_the_picture_and_the_secret_are_shown_until_the_phone_is_confirmed(gerencia):
    gerencia.post(FACTOR, {"_start": "1", "step_up": "secret"})
    device = gerencia.user.totpdevice_set.get()
    html = gerencia.get(FACTOR).content.decode()
    assert QR in html
    assert gerencia.get(FACTOR).context["secret"] in html
    picture = gerencia.get(QR)
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/svg+xml")
    assert b"style" not in picture.content
    assert b"<script" not in picture.content
    gerencia.post(FACTOR, {"_confirm": "1", "code": shown_by(device)})
    assert gerencia.get(QR).status_code == 404
    assert gerencia.get(FACTOR).context["secret"] == ""


def test_recovery_codes_are_shown_once(gerencia):
    gerencia.post(FACTOR, {"_start": "1", "step_up": "secret"})
    device = gerencia.user.totpdevice_set.get()
    codes = gerencia.post(FACTOR, {"_confirm": "1", "code": shown_by(device)}).context["codes"]
    assert len(codes) == 10
    assert not any(code in gerencia.get(FACTOR).content.decode() for code in codes)


def test_a_wrong_first_code_enrols_nothing(gerencia):
    begin_enrolment(user=gerencia.user)
    response = gerencia.post(FACTOR, {"_confirm": "1", "code": "000000"})
    assert errors_of(response) == {"code": [WrongCode.code]}
    assert not has_factor(gerencia.user)


@pytest.fixture
def inside(carrier):
    """The carrier of a phone, logged in; the code of the next step is spent."""
    log_in(carrier, carrier.user)
    carrier.post(CODE, {"code": shown_by(carrier.device, later=1)})
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        yield carrier


def test_a_phone_is_removed_with_a_code_only(inside):
    inside.post(FACTOR, {"_remove": "1", "code": "abcde-fghij"})
    assert has_factor(inside.user)
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        inside.post(FACTOR, {"_remove": "1", "code": shown_by(inside.device)})
    assert not has_factor(inside.user)
    assert is_in(inside)


def test_new_recovery_codes_are_made_with_a_code(inside):
    codes = inside.post(FACTOR, {"_renew": "1", "code": shown_by(inside.device)}).context["codes"]
    assert not set(codes) & set(inside.codes)


# Who must


def test_who_must_have_a_second_factor_enrols_before_anything_else(settings, gerencia):
    settings.SECOND_FACTOR_GROUPS = ["Gerência"]
    for address in ("/admin/", "/admin/receivables/title/", "/admin/search/?q=1"):
        assert gerencia.get(address).headers["Location"] == FACTOR
    assert gerencia.get(FACTOR).context["must_enrol"]
    gerencia.post(FACTOR, {"_start": "1", "step_up": "secret"})
    gerencia.post(FACTOR, {"_confirm": "1", "code": shown_by(gerencia.user.totpdevice_set.get())})
    assert is_in(gerencia)


def test_nothing_is_posted_before_the_enrolment(settings, gerencia, branch):
    settings.SECOND_FACTOR_GROUPS = ["Gerência"]
    title = make_title(branch=branch)
    assert gerencia.post(page(title, "cancel"), {"reason": REASON}).headers["Location"] == FACTOR
    title.refresh_from_db()
    assert title.status == "pending"


def test_other_groups_are_not_sent_to_enrol(settings, financeiro):
    settings.SECOND_FACTOR_GROUPS = ["Gerência"]
    assert is_in(financeiro)


# Typing the password, or a code, once more


@pytest.fixture
def closed(branch):
    title = make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    return title


@pytest.fixture
def closed_day(closed):
    return CashDay.objects.get()


def test_a_closed_cash_reversal_asks_for_the_password(gerencia, closed):
    assert gerencia.get(page(closed, "reverse")).context["form"].step_up is not None
    response = gerencia.post(page(closed, "reverse"), {"reason": REASON})
    assert errors_of(response)["step_up"] == ["required"]
    assert not Reversal.objects.exists()


def test_reopening_a_day_asks_for_the_password(gerencia, closed_day):
    response = gerencia.post(page(closed_day, "reopen"), {"reason": REASON})
    assert errors_of(response) == {"step_up": ["required"]}
    assert is_closed(closed_day)


def test_with_the_password_the_day_opens(gerencia, closed_day):
    gerencia.post(page(closed_day, "reopen"), {"reason": REASON} | PROVEN)
    assert not is_closed(closed_day)


def test_a_wrong_password_is_told_beside_the_field_and_counted(gerencia, closed_day):
    response = gerencia.post(page(closed_day, "reopen"), {"reason": REASON, "step_up": "nonsense-1234"})
    assert errors_of(response) == {"step_up": [WrongPassword.code]}
    assert response.context["form"]["reason"].value() == REASON
    assert is_closed(closed_day)
    attempt = AccessAttempt.objects.get()
    assert (attempt.username, attempt.failures_since_start) == (gerencia.user.username, 1)


def test_what_was_typed_is_kept_nowhere(gerencia, closed_day):
    gerencia.post(page(closed_day, "reopen"), {"reason": REASON, "step_up": "nonsense-1234"})
    assert "nonsense-1234" not in AccessAttempt.objects.get().post_data
    response = gerencia.post(page(closed_day, "reopen"), {"reason": "curto"} | PROVEN)
    assert "secret" not in response.content.decode()
    assert "secret" not in str(dict(gerencia.session))


def test_five_wrong_passwords_lock_as_a_login_does(gerencia, closed_day):
    for _each in range(5):
        last = gerencia.post(page(closed_day, "reopen"), {"reason": REASON, "step_up": "nonsense-1234"})
    assert last.status_code == 429
    gerencia.post(page(closed_day, "reopen"), {"reason": REASON} | PROVEN)
    assert is_closed(closed_day)


def test_a_right_password_counts_even_where_something_else_is_wrong(gerencia, closed_day):
    response = gerencia.post(page(closed_day, "reopen"), {"reason": "curto"} | PROVEN)
    assert set(errors_of(response)) == {"reason"}
    assert response.context["form"].step_up is None
    gerencia.post(page(closed_day, "reopen"), {"reason": REASON})
    assert not is_closed(closed_day)


def test_the_proof_lasts_five_minutes(gerencia, closed_day):
    gerencia.post(page(closed_day, "reopen"), {"reason": "curto"} | PROVEN)
    with time_machine.travel(NOW + timedelta(minutes=4), tick=False):
        assert gerencia.get(page(closed_day, "reopen")).context["form"].step_up is None
    with time_machine.travel(NOW + timedelta(minutes=6), tick=False):
        assert gerencia.get(page(closed_day, "reopen")).context["form"].step_up is not None


def test_a_reversal_with_the_cash_open_asks_for_nothing_more(financeiro, branch):
    title = make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )
    assert financeiro.get(page(title, "reverse")).context["form"].step_up is None


def test_with_a_second_factor_its_code_is_asked_for(inside, closed_day):
    form = inside.get(page(closed_day, "reopen")).context["form"]
    assert form.step_up.field.widget.attrs["autocomplete"] == "one-time-code"
    response = inside.post(page(closed_day, "reopen"), {"reason": REASON} | PROVEN)
    assert errors_of(response) == {"step_up": [WrongCode.code]}
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        inside.post(page(closed_day, "reopen"), {"reason": REASON, "step_up": shown_by(inside.device)})
    assert not is_closed(closed_day)


# Idle sessions


def test_an_idle_session_asks_to_log_in_and_comes_back_to_the_page(gerencia, branch):
    title = make_title(branch=branch)
    with time_machine.travel(NOW + timedelta(minutes=31), tick=False):
        asked = gerencia.get(page(title, "settle"))
        assert asked.headers["Location"] == f"{LOGIN}?next={page(title, 'settle')}"
        assert log_in(gerencia, gerencia.user, then=page(title, "settle")).headers["Location"] == page(title, "settle")


def test_what_an_idle_session_sends_is_not_posted_after_the_login(gerencia, branch):
    title = make_title(branch=branch)
    with time_machine.travel(NOW + timedelta(minutes=31), tick=False):
        asked = gerencia.post(page(title, "cancel"), {"reason": REASON})
        assert asked.headers["Location"] == f"{LOGIN}?next={page(title, 'cancel')}"
        back = log_in(gerencia, gerencia.user, then=page(title, "cancel"))
        assert gerencia.get(back.headers["Location"]).status_code == 200
    title.refresh_from_db()
    assert title.status == "pending"


def test_a_click_within_half_an_hour_keeps_the_session(gerencia):
    for minutes in (25, 50, 75):
        with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
            assert is_in(gerencia)


def test_a_form_from_before_the_login_is_refused_in_words(branch):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(group="Gerência", branches=(branch,)), "django.contrib.auth.backends.ModelBackend")
    response = client.post(page(make_title(branch=branch), "cancel"), {"reason": REASON})
    assert response.status_code == 403
    assert "/admin/" in response.content.decode()


# People


def test_a_manager_removes_a_colleagues_lost_phone_with_a_reason(gerencia, branch):
    colleague = make_user(branches=(branch,))
    enrol(colleague)
    gerencia.post(page(colleague, "remove-factor"), {"reason": REASON} | PROVEN)
    assert not has_factor(colleague)
    event = AccessEvent.objects.first()
    assert (event.kind, event.actor, event.reason) == ("factor_removed", gerencia.user.username, REASON)


def test_no_page_shows_the_secrets_of_phones(chief, carrier):
    assert not {TOTPDevice, StaticDevice, StaticToken} & set(admin.site._registry)
    told = chief.get(page(carrier.user)).content.decode() + chief.get(desk(AccessEvent, "changelist")).content.decode()
    assert carrier.device.key not in told
