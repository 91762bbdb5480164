"""Nova Cobrança Bancária: one act, decided under lock, on the original amount (S40-S57, G.6, G.7, G.12, G.18)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    AmountTooLarge,
    ConfirmationRequired,
    InexactPercent,
    InstallmentNotPending,
    NewDueDateBeforeToday,
    NoLiveSlip,
    PercentNegative,
    PercentTooLarge,
    ReasonTooLong,
    ReasonTooShort,
    TitleNotOpen,
    WriteOffNotRequested,
)
from receivables.models import BankCollectionReissue, BankSlip, InstallmentStatus, SlipStatus, Title, TitleStatus
from receivables.services.reissue import preview_reissue, reissuable, reissue_bank_collection
from receivables.services.reversal import reverse_title
from receivables.services.settlement import quote
from receivables.services.title import cancel_title
from tests.ledger import assert_books_are_clean, every_row, refused, told
from tests.make import CASHIER, NOW, REASON, TODAY, make_title
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db

DUE, FRIDAY, NEW_DUE = date(2026, 10, 5), date(2026, 11, 20), date(2026, 11, 21)  # E.6
CUSTOM = {"apply_charges": True, "interest_percent": Decimal("0.033"), "fine_percent": Decimal("2")}


@pytest.fixture
def installment():
    return make_title(due_dates=(DUE,), our_numbers=("109000001",)).installments.get()


def reissue(installment, **values):
    usual = {
        "installment_id": installment.pk, "new_due_date": NEW_DUE, "reason": REASON, "apply_charges": False,
        "write_off_requested": True, "by": CASHIER, "on": FRIDAY, "now": NOW,
    }  # fmt: skip
    return reissue_bank_collection(**usual | values)


def issue_slip(installment, our_number):
    """What Geração da Cobrança Bancária will do."""
    installment.refresh_from_db()
    BankSlip(
        installment=installment, account=installment.title.account, our_number=our_number,
        due_date=installment.due_date, amount=installment.amount,
    ).save_as(CASHIER)  # fmt: skip


def test_interest_and_fine_are_added_to_the_original_amount(installment):
    event = reissue(installment, **CUSTOM)
    assert (event.days_late, event.months_late) == (47, 2)
    assert (event.interest, event.fine, event.new_amount) == (Decimal("15.51"), Decimal("40.00"), Decimal("1055.51"))


def test_the_installment_owes_the_new_total_from_the_new_due_date(installment):
    reissue(installment, **CUSTOM)
    before = installment.version
    installment.refresh_from_db()
    assert (installment.due_date, installment.interest_from, installment.status) == (NEW_DUE, NEW_DUE, "pending")
    assert (installment.amount, installment.balance) == (Decimal("1055.51"), Decimal("1055.51"))
    assert (installment.original_amount, installment.version) == (Decimal("1000.00"), before + 1)


def test_no_late_charges_run_until_the_new_due_date(installment):
    reissue(installment, **CUSTOM)
    (due,) = quote(title_ids=[installment.title_id], on=NEW_DUE)
    assert due.total == Decimal("1055.51")


def test_the_title_is_the_sum_of_its_installments():
    title = make_title(amounts=("600.00", "400.00"), due_dates=(DUE, DUE), our_numbers=("1", "2"))
    reissue(title.installments.get(number=2), **CUSTOM)
    title.refresh_from_db()
    assert title.amount == Decimal("1022.20")  # 600.00 + 400.00 + 6.20 + 16.00
    assert_books_are_clean()


def test_the_slip_is_superseded_and_the_title_is_free_for_another(installment):
    reissue(installment)
    slip = BankSlip.objects.get()
    assert (slip.status, slip.our_number) == (SlipStatus.SUPERSEDED, "109000001")
    issue_slip(installment, "109000002")
    assert_books_are_clean()


def test_the_old_number_is_never_used_again(installment):
    event = reissue(installment)
    again = BankSlip.objects.filter(account=event.slip.account, our_number=event.our_number)
    assert again.get().status == SlipStatus.SUPERSEDED


def test_the_log_says_who_when_why_and_from_what_to_what(installment):
    event = BankCollectionReissue.objects.get(pk=reissue(installment, reason=f"  {REASON} ").pk)
    assert (event.actor, event.channel, event.posted_at, event.reissued_on) == ("ana", "back_office", NOW, FRIDAY)
    assert (event.our_number, event.old_due_date, event.new_due_date) == ("109000001", DUE, NEW_DUE)
    assert (event.old_amount, event.new_amount, event.reason) == (1000, 1000, REASON)
    assert event.bank_write_off_requested is True


def test_history_of_slip_installment_and_title_tells_the_reason(installment):
    reissue(installment)
    for row in (BankSlip.objects.get(), installment, Title.objects.get()):
        assert told(row) == ("ana", "back_office", REASON)


def test_unticked_percents_count_for_nothing(installment):
    event = reissue(installment, **CUSTOM | {"apply_charges": False, "fine_percent": Decimal("50")})
    assert (event.new_amount, event.fine_percent, event.interest_percent) == (1000, 0, 0)


def test_a_second_one_starts_from_the_original_amount_again(installment):
    reissue(installment, **CUSTOM)
    issue_slip(installment, "109000002")
    second = reissue(installment, new_due_date=NEW_DUE + timedelta(10), **CUSTOM)
    assert (second.days_late, second.months_late, second.old_amount) == (10, 1, Decimal("1055.51"))
    assert second.new_amount == Decimal("1023.30")  # 1000.00 + 3.30 + 20.00


def test_a_second_one_unticked_returns_to_the_original_amount(installment):
    reissue(installment, **CUSTOM)
    issue_slip(installment, "109000002")
    reissue(installment)
    installment.refresh_from_db()
    assert (installment.amount, installment.balance, installment.title.amount) == (1000, 1000, 1000)
    assert_books_are_clean()


def test_before_the_due_date_nothing_is_added_though_ticked():
    later = make_title(due_dates=(TODAY,), our_numbers=("1",)).installments.get()
    event = reissue(later, **CUSTOM)
    assert (event.days_late, event.months_late, event.new_amount) == (0, 0, 1000)


def test_today_is_a_new_due_date(installment):
    reissue(installment, new_due_date=FRIDAY)
    installment.refresh_from_db()
    assert installment.due_date == FRIDAY


def test_a_pending_installment_of_a_title_received_in_part_is_collected_anew():
    title = make_title(amounts=("600.00", "400.00"), due_dates=(DUE, DUE), our_numbers=("1", "2"))
    settle_part(title.installments.get(number=1), "300.00")
    reissue(title.installments.get(number=2))
    title.refresh_from_db()
    assert title.status == TitleStatus.PARTIALLY_SETTLED
    assert_books_are_clean()


def test_a_reversed_title_keeps_its_number_and_is_collected_anew(installment):
    settle(installment.title, "1055.33")
    reverse_title(title_id=installment.title_id, reason=REASON, by=CASHIER, now=NOW, on=TODAY)
    reissue(installment)
    assert BankSlip.objects.get().status == SlipStatus.SUPERSEDED
    assert_books_are_clean()


# Refusals


def test_a_settled_installment_is_refused(installment):
    settle(installment.title, "2000.00")
    with refused(InstallmentNotPending, "installment_not_pending"):
        reissue(installment)


def test_an_installment_received_in_part_is_refused(installment):
    settle_part(installment, "300.00")
    with refused(InstallmentNotPending, "installment_not_pending"):
        reissue(installment)


def test_a_cancelled_title_is_refused(installment):
    cancel_title(title_id=installment.title_id, reason=REASON, by=CASHIER)
    with refused(TitleNotOpen, "title_not_open"):
        reissue(installment)


def test_an_installment_without_a_slip_is_refused():
    bare = make_title(due_dates=(DUE,)).installments.get()
    with refused(NoLiveSlip, "no_live_slip"):
        reissue(bare)


def test_a_slip_is_put_out_of_use_once(installment):
    reissue(installment)
    with refused(NoLiveSlip, "no_live_slip"):
        reissue(installment)


def test_a_new_due_date_before_today_is_refused(installment):
    with refused(NewDueDateBeforeToday, "new_due_date_before_today"):
        reissue(installment, new_due_date=FRIDAY - timedelta(1))


@pytest.mark.parametrize("reason", ["", "x" * 14, " " * 30, "  x" + " " * 20])
def test_a_reason_below_15_characters_is_refused(installment, reason):
    with refused(ReasonTooShort, "reason_too_short"):
        reissue(installment, reason=reason)


def test_a_reason_above_500_characters_is_refused(installment):
    with refused(ReasonTooLong, "reason_too_long"):
        reissue(installment, reason="ç" * 501)


def test_a_reason_is_counted_in_characters(installment):
    assert len(reissue(installment, reason="ç" * 500).reason) == 500


def test_without_the_write_off_at_the_bank_it_is_refused(installment):
    with refused(WriteOffNotRequested, "write_off_not_requested"):
        reissue(installment, write_off_requested=False)


@pytest.mark.parametrize("field", ["interest_percent", "fine_percent"])
@pytest.mark.parametrize(
    ("percent", "rule", "code"),
    [
        ("-0.01", PercentNegative, "percent_negative"),
        ("100.01", PercentTooLarge, "percent_too_large"),
        ("0.00001", InexactPercent, "inexact_percent"),
    ],
)
def test_odd_percents_are_refused(installment, field, percent, rule, code):
    with refused(rule, code):
        reissue(installment, **CUSTOM | {field: Decimal(percent)})


@pytest.mark.parametrize(("field", "percent"), [("interest_percent", "0.0335"), ("fine_percent", "2.01")])
def test_percents_above_the_custom_ask_for_a_confirmation(installment, field, percent):
    with refused(ConfirmationRequired, "confirmation_required") as refusal:
        reissue(installment, **CUSTOM | {field: Decimal(percent)})
    assert refusal.value.facts["codes"] == ["above_custom"]


def test_confirmed_percents_above_the_custom_are_applied(installment):
    event = reissue(installment, **CUSTOM | {"fine_percent": Decimal("10")}, confirmed={"above_custom"})
    assert event.fine == Decimal("200.00")


def test_a_total_beyond_the_largest_amount_is_refused():
    huge = make_title(amounts=("9999999999.00",), due_dates=(DUE,), our_numbers=("1",)).installments.get()
    with refused(AmountTooLarge, "amount_too_large"):
        reissue(huge, **CUSTOM)


# Preview


def test_the_preview_writes_nothing(installment):
    before = every_row()
    preview = preview_reissue(installment_id=installment.pk, new_due_date=NEW_DUE, on=FRIDAY, **CUSTOM)
    assert (preview.days_late, preview.months_late, preview.total) == (47, 2, Decimal("1055.51"))
    assert every_row() == before


def test_the_preview_refuses_a_day_before_today(installment):
    with refused(NewDueDateBeforeToday, "new_due_date_before_today"):
        preview_reissue(installment_id=installment.pk, new_due_date=DUE, on=FRIDAY, apply_charges=False)


def test_only_pending_installments_with_a_live_slip_are_offered():
    title = make_title(amounts=("100.00",) * 4, due_dates=(DUE,) * 4, our_numbers=("1", "2", "3", ""))
    first, second, third, _bare = title.installments.order_by("number")
    settle_part(first, "50.00")
    reissue(second)
    assert list(reissuable(title.pk)) == [third]
    assert third.status == InstallmentStatus.PENDING
