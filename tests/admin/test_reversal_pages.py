"""Estornar through the pages: open cash, the dialogue of the closed cash, part by part (C1-C12, G.1-G.4, G.19)."""

from datetime import date
from decimal import Decimal

import pytest

from receivables.admin.explain import explain
from receivables.domain.errors import (
    CashDayNotClosed,
    ConfirmationRequired,
    NewerReceiptFirst,
    NotPermitted,
    OptionRequired,
    WrongDirection,
)
from receivables.models import (
    CashMovement,
    ClosedCashReversal,
    Direction,
    DocumentType,
    HistoryCode,
    Receipt,
    Reversal,
    ReversalKind,
    Title,
    TitleStatus,
)
from receivables.services.cash_day import close_day, reopen_day
from receivables.services.settlement import settle_installment, settle_title
from tests.admin.pages import PROVEN, buttons_of, errors_of, page
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, deposit, make_history_code, make_title

pytestmark = pytest.mark.django_db


FRIDAY = date(2026, 11, 20)


@pytest.fixture
def settled(branch):
    title = make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount, received_on=FRIDAY, deposit=deposit(on=FRIDAY), by=CASHIER, now=NOW,
        on=TODAY,
    )  # fmt: skip
    return title


@pytest.fixture
def closed(settled, branch):
    """Settled on Friday, whose cash is closed; today's is open, so that a debit has a day to stand on."""
    close_day(account_id=cash_account(branch).pk, day=FRIDAY, by=CASHIER, now=NOW, on=TODAY)
    return settled


def receive_part(title, amount):
    return settle_installment(
        installment_id=title.installments.get().pk, received=Decimal(amount), received_on=TODAY, deposit=deposit(),
        by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip


def typed_debit(account, *, number=0, amount="1.000,00", on="23/11/2026", **values):
    usual = {
        "movement_date": on,
        "history_code": HistoryCode.objects.filter(direction=Direction.DEBIT).first().pk,
        "document_type": DocumentType.objects.first().pk,
        "amount": amount,
    }
    return {f"debit-{account.pk}-{number}-{name}": value for name, value in (usual | values).items()}


def shut(account, day=FRIDAY):
    """What the page keeps of the closed cash that it showed."""
    return f"{account.pk}@{day:%Y-%m-%d}"


def answer(account, option, *debits, **values):
    typed = {"reason": REASON, f"option_{account.pk}": option, "closed_seen": shut(account)} | PROVEN
    for debit in debits:
        typed |= debit
    return typed | values


def status_of(title):
    return Title.objects.get(pk=title.pk).status


def nothing_was_reversed():
    return not Reversal.objects.exists() and not CashMovement.objects.filter(amount__lt=0).exists()


# The cash is open


def test_a_settled_title_goes_back_to_pending_and_both_lines_stay(financeiro, settled):
    response = financeiro.post(page(settled, "reverse"), {"reason": REASON}, follow=True)
    assert status_of(settled) == TitleStatus.PENDING
    assert sorted(CashMovement.objects.values_list("amount", flat=True)) == [Decimal("-1000.00"), Decimal("1000.00")]
    assert Receipt.objects.get().label in " ".join(str(message) for message in response.context["messages"])


def test_a_second_post_of_the_reversal_reverses_nothing_more(financeiro, settled):
    for _click in range(2):
        financeiro.post(page(settled, "reverse"), {"reason": REASON})
    assert (Reversal.objects.count(), CashMovement.objects.count()) == (1, 2)


@pytest.mark.parametrize("reason", ["", "curto demais", " " * 30, "x" * 501])
def test_a_reason_has_15_to_500_characters(financeiro, settled, reason):
    assert "reason" in errors_of(financeiro.post(page(settled, "reverse"), {"reason": reason}))
    assert nothing_was_reversed()


def test_estornar_is_offered_on_a_settled_title_only(financeiro, branch):
    title = make_title(branch=branch)
    assert "reverse" not in buttons_of(financeiro, title)
    receive_part(title, "300.00")
    assert not {"reverse"} & buttons_of(financeiro, title)
    assert "reverse-part" in buttons_of(financeiro, title)


def test_reversing_without_the_permission_is_403(suporte, settled):
    assert suporte.post(page(settled, "reverse"), {"reason": REASON}).status_code == 403
    assert nothing_was_reversed()


def test_the_page_says_what_is_and_what_will_be(financeiro, settled):
    html = financeiro.get(page(settled, "reverse")).content.decode()
    assert "R$ 1.000,00" in html
    assert Receipt.objects.get().label in html


# Part by part


def test_the_newest_part_goes_first(financeiro, branch):
    title = make_title(branch=branch)
    older, newer = receive_part(title, "300.00"), receive_part(title, "200.00")
    response = financeiro.post(page(title, "reverse-part"), {"reason": REASON, "receipt_id": older.pk})
    assert errors_of(response) == {"__all__": [NewerReceiptFirst.code]}
    assert newer.label in str(response.context["form"].non_field_errors())
    financeiro.post(page(title, "reverse-part"), {"reason": REASON, "receipt_id": newer.pk})
    assert title.installments.get().balance == Decimal("700.00")


def test_the_page_proposes_the_newest_part(financeiro, branch):
    title = make_title(branch=branch)
    receive_part(title, "300.00")
    newer = receive_part(title, "200.00")
    assert financeiro.get(page(title, "reverse-part")).context["form"].receipt == newer


# The cash is closed


def test_the_dialogue_asks_for_an_option(gerencia, closed, branch):
    response = gerencia.post(page(closed, "reverse"), {"reason": REASON} | PROVEN)
    account = cash_account(branch)
    assert errors_of(response) == {f"option_{account.pk}": [OptionRequired.code]}
    assert nothing_was_reversed()


def test_the_days_of_the_debits_have_a_calendar(gerencia, closed):
    assert "DateTimeShortcuts.js" in gerencia.get(page(closed, "reverse")).content.decode()


def test_with_a_debit_the_original_stays_and_the_title_is_pending(tesouraria, closed, branch):
    account = cash_account(branch)
    tesouraria.post(page(closed, "reverse"), answer(account, "account_debit", typed_debit(account)))
    record = ClosedCashReversal.objects.get()
    assert (status_of(closed), record.known_difference) == (TitleStatus.PENDING, Decimal("0.00"))
    assert CashMovement.objects.get(amount=Decimal("1000.00")).status == "posted"
    assert CashMovement.objects.get(first_debit_of=record).amount == Decimal("-1000.00")


def test_further_debits_are_posted_with_the_first_and_blank_ones_left_out(tesouraria, closed, branch):
    account = cash_account(branch)
    debits = typed_debit(account, amount="995,00"), typed_debit(account, number=1, amount="5,00")
    tesouraria.post(page(closed, "reverse"), answer(account, "account_debit", *debits))
    assert CashMovement.objects.filter(amount__lt=0).count() == 2


def test_debits_that_differ_from_the_settled_amount_ask_for_a_tick(tesouraria, closed, branch):
    account = cash_account(branch)
    typed = answer(account, "account_debit", typed_debit(account, amount="990,00"))
    response = tesouraria.post(page(closed, "reverse"), typed)
    assert errors_of(response) == {"confirmed": [ConfirmationRequired.code]}
    assert nothing_was_reversed()
    tesouraria.post(page(closed, "reverse"), typed | {"confirmed": "debits_differ"})
    assert ClosedCashReversal.objects.get().known_difference == Decimal("10.00")


def test_a_wrong_debit_is_told_and_nothing_is_staged(tesouraria, closed, branch):
    account = cash_account(branch)
    typed = answer(account, "account_debit", typed_debit(account, amount="10.00", on="32/11/2026"))
    response = tesouraria.post(page(closed, "reverse"), typed)
    assert set(response.context["form"].dialogues[0].entry.errors) == {"amount", "movement_date"}
    assert nothing_was_reversed()


def test_a_credit_history_is_no_choice_for_a_debit(tesouraria, closed, branch):
    account = cash_account(branch)
    credit = make_history_code(direction=Direction.CREDIT)
    typed = answer(account, "account_debit", typed_debit(account, history_code=credit.pk))
    response = tesouraria.post(page(closed, "reverse"), typed)
    assert "history_code" in response.context["form"].dialogues[0].entry.errors
    assert WrongDirection.code not in str(errors_of(response))
    assert nothing_was_reversed()


def test_without_debit_the_difference_stays_open_and_the_notes_say_so(gerencia, closed, branch):
    account = cash_account(branch)
    gerencia.post(page(closed, "reverse"), answer(account, "no_debit"))
    title = Title.objects.get(pk=closed.pk)
    assert (title.status, Reversal.objects.get().kind) == (TitleStatus.PENDING, ReversalKind.CLOSED_NO_DEBIT)
    assert ClosedCashReversal.objects.get().known_difference == Decimal("1000.00")
    assert REASON in title.notes


def test_the_closed_cash_needs_its_own_permission(financeiro, closed, branch):
    account = cash_account(branch)
    typed = answer(account, "account_debit", typed_debit(account))
    assert financeiro.post(page(closed, "reverse"), typed).status_code == 403
    assert nothing_was_reversed()


def test_a_forbidden_page_names_the_permission_that_is_missing(financeiro, closed):
    html = financeiro.get(page(closed, "reverse")).content.decode()
    assert explain(NotPermitted(permission="receivables.reverse_receipt_closed_cash")) in html


def test_reversing_without_debit_needs_its_own_permission(tesouraria, closed, branch):
    assert tesouraria.post(page(closed, "reverse"), answer(cash_account(branch), "no_debit")).status_code == 403
    assert nothing_was_reversed()


def test_a_cash_reopened_meanwhile_refuses_the_answers(gerencia, closed, branch):
    account = cash_account(branch)
    reopen_day(account_id=account.pk, day=FRIDAY, reason=REASON, by=CASHIER, now=NOW)
    response = gerencia.post(page(closed, "reverse"), answer(account, "no_debit"))
    assert errors_of(response) == {"__all__": [CashDayNotClosed.code]}
    assert nothing_was_reversed()
