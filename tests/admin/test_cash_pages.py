"""Caixa e bancos through the pages: movements, closing and reopening of days, refunds (S61-S63, G.4, G.5, G.11)."""

from datetime import date
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    CashDayClosed,
    ChangedMeanwhile,
    CreditNotEnough,
    DateInFuture,
    EarlierDayOpen,
    LaterDayClosed,
    MoveRefused,
)
from receivables.models import (
    CashDay,
    CashDayReopening,
    CashDayStatus,
    CashMovement,
    CustomerCredit,
    Direction,
    DocumentType,
)
from receivables.services.cash_day import close_day
from receivables.services.settlement import settle_title
from tests.admin.pages import PROVEN, buttons_of, desk, errors_of, page
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_history_code,
    make_title,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(branch):
    return cash_account(branch)


def typed(account, *, direction=Direction.CREDIT, **values):
    usual = {
        "account": account.pk, "cash_date": "23/11/2026", "amount": "1.234,56",
        "history_code": make_history_code(direction=direction).pk, "document_type": DocumentType.objects.first().pk,
        "notes": "Aporte",
    }  # fmt: skip
    return usual | values


def close(account, day=TODAY):
    close_day(account_id=account.pk, day=day, by=CASHIER, now=NOW, on=TODAY)
    return CashDay.objects.get(account=account, day=day)


# Movements


@pytest.mark.parametrize(("direction", "amount"), [(Direction.CREDIT, "1234.56"), (Direction.DEBIT, "-1234.56")])
def test_the_history_code_signs_a_recorded_movement(tesouraria, account, direction, amount):
    tesouraria.post(desk(CashMovement, "add"), typed(account, direction=direction))
    movement = CashMovement.objects.get()
    assert (movement.amount, movement.actor) == (Decimal(amount), tesouraria.user.username)


def test_a_second_click_records_nothing_more(tesouraria, account):
    twice = typed(account, form_key="7f1f5dd6-8a43-4f0f-9d2e-0d8d5f3c2b11")
    tesouraria.post(desk(CashMovement, "add"), twice)
    response = tesouraria.post(desk(CashMovement, "add"), twice)
    assert errors_of(response) == {"__all__": [ChangedMeanwhile.code]}
    assert CashMovement.objects.count() == 1


def test_a_movement_into_a_closed_day_is_refused_beside_its_date(tesouraria, account):
    close(account)
    assert errors_of(tesouraria.post(desk(CashMovement, "add"), typed(account))) == {"cash_date": [CashDayClosed.code]}
    assert not CashMovement.objects.exists()


def test_a_movement_of_another_branchs_account_is_no_choice(tesouraria, account):
    foreign = cash_account(make_branch(name="Outra"))
    response = tesouraria.post(desk(CashMovement, "add"), typed(foreign))
    assert errors_of(response) == {"account": ["invalid_choice"]}


def test_recording_needs_its_permission(financeiro, account):
    assert financeiro.post(desk(CashMovement, "add"), typed(account)).status_code == 403
    assert not CashMovement.objects.exists()


def test_a_movement_is_never_typed_over(chief, account):
    movement = record(account)
    assert chief.post(page(movement), typed(account, amount="1,00")).status_code == 403
    assert CashMovement.objects.get().amount == Decimal("100.00")


def test_a_persons_movement_is_reversed_by_its_opposite(tesouraria, account):
    movement = record(account)
    back = {"history_code": make_history_code(direction=Direction.DEBIT).pk, "reason": REASON}
    tesouraria.post(page(movement, "reverse"), back)
    assert CashMovement.objects.get(reverses=movement).amount == Decimal("-100.00")
    assert buttons_of(tesouraria, movement) == set()
    assert tesouraria.post(page(movement, "reverse"), back).status_code == 302
    assert CashMovement.objects.count() == 2


def test_a_receipts_movement_offers_no_reversal_of_its_own(tesouraria, branch):
    title = make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )
    assert buttons_of(tesouraria, CashMovement.objects.get()) == set()


def test_a_movement_of_another_branch_is_not_found(foreigner, account):
    movement = record(account)
    assert foreigner.post(page(movement, "reverse"), {"reason": REASON}).status_code == 404


# Days


def test_a_day_is_closed_from_the_list_by_account_and_day(tesouraria, account):
    record(account)
    day = {"account": account.pk, "day": "23/11/2026", "counted_cash": "100,00", "counted_outros": "0,00"}
    tesouraria.post(desk(CashDay, "close-cash"), day)
    cash_day = CashDay.objects.get()
    assert cash_day.status == CashDayStatus.CLOSED
    assert (cash_day.closings.get().total, cash_day.closings.get().counted_amount) == (
        Decimal("100.00"),
        Decimal("100.00"),
    )


def test_a_day_is_closed_and_reopened_from_its_own_page(gerencia, account):
    record(account)
    cash_day = CashDay.objects.get()
    assert buttons_of(gerencia, cash_day) == {"close"}
    gerencia.post(page(cash_day, "close"), {"counted_cash": ""})
    assert buttons_of(gerencia, cash_day) == {"reopen"}
    gerencia.post(page(cash_day, "reopen"), {"reason": REASON} | PROVEN)
    assert CashDay.objects.get().status == CashDayStatus.OPEN
    assert CashDayReopening.objects.get().reason == REASON


def test_the_oldest_day_closes_first(tesouraria, account):
    record(account, day=date(2026, 11, 19))
    response = tesouraria.post(desk(CashDay, "close-cash"), {"account": account.pk, "day": "23/11/2026"})
    assert errors_of(response) == {"day": [EarlierDayOpen.code]}
    assert "19/11/2026" in str(response.context["form"].errors["day"])


def test_the_newest_day_reopens_first(gerencia, account):
    older = close(account, date(2026, 11, 19))
    close(account)
    response = gerencia.post(page(older, "reopen"), {"reason": REASON} | PROVEN)
    assert errors_of(response) == {"__all__": [LaterDayClosed.code]}


@pytest.mark.parametrize(("day", "code"), [("24/11/2026", DateInFuture.code), ("23/11/2026", MoveRefused.code)])
def test_a_day_that_cannot_be_closed_is_told_beside_it(tesouraria, account, day, code):
    close(account)
    response = tesouraria.post(desk(CashDay, "close-cash"), {"account": account.pk, "day": day})
    assert errors_of(response) == {"day": [code]}


def test_closing_and_reopening_need_their_permissions(financeiro, tesouraria, account):
    cash_day = close(account)
    assert financeiro.post(desk(CashDay, "close-cash"), {"account": account.pk, "day": "20/11/2026"}).status_code == 403
    assert tesouraria.post(page(cash_day, "reopen"), {"reason": REASON}).status_code == 403
    assert CashDay.objects.get().status == CashDayStatus.CLOSED


# Credits


@pytest.fixture
def customer(branch):
    """A customer with 50,00 of credit."""
    title = make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount + 50, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW,
        on=TODAY,
    )  # fmt: skip
    return title.bill_to


def refund(branch, **values):
    return {"branch": branch.pk, "amount": "50,00", "method": "cash", "cash_date": "23/11/2026", "reason": REASON,
            "seen_credit": "50,00"} | values  # fmt: skip


def test_a_credit_is_refunded_in_money(tesouraria, customer, branch):
    assert "refund" in buttons_of(tesouraria, customer)
    tesouraria.post(page(customer, "refund"), refund(branch))
    assert CustomerCredit.objects.filter(customer=customer).available() == 0
    assert CashMovement.objects.filter(amount=Decimal("-50.00")).count() == 1
    assert buttons_of(tesouraria, customer) == set()


def test_a_second_click_refunds_nothing_more(tesouraria, customer, branch):
    part = refund(branch, amount="20,00")
    tesouraria.post(page(customer, "refund"), part)
    assert errors_of(tesouraria.post(page(customer, "refund"), part)) == {"__all__": [ChangedMeanwhile.code]}
    assert CustomerCredit.objects.filter(customer=customer).available() == Decimal("30.00")


def test_more_credit_than_there_is_is_refused_beside_the_amount(tesouraria, customer, branch):
    response = tesouraria.post(page(customer, "refund"), refund(branch, amount="50,01"))
    assert errors_of(response) == {"amount": [CreditNotEnough.code]}


def test_refunding_needs_its_permission(financeiro, customer, branch):
    assert financeiro.post(page(customer, "refund"), refund(branch)).status_code == 403
