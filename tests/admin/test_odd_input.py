"""Whatever is typed into a form about money is refused beside its field, and nothing is posted."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django import forms

from receivables.domain.reversal import ClosedCashOption
from receivables.models import CashDay, CashMovement, ClosedCashReversal, Title
from receivables.services.cash_day import close_day
from receivables.services.reversal import ClosedCash, reverse_title
from tests.admin.pages import desk, errors_of, page
from tests.ledger import assert_books_are_clean, every_row
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_title,
    record,
)
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db

MOMENT = {"by": CASHIER, "now": NOW, "on": TODAY}
YESTERDAY = TODAY - timedelta(days=1)
ODD = {
    forms.DecimalField: ("-1", "1e3", "NaN", "Infinity", "99999999999999999999", "1.23,45", "１２", "\x00", "💰"),
    forms.DateField: ("30/02/2026", "00/00/0000", "2026-13-01", "31/12/9999", "hoje", "\x00", "💰"),
    forms.IntegerField: ("-1", "1e3", "NaN", "9" * 30, "\x00", "💰"),
}
TAKEN = {"close": {"-1"}}
"""A bank account may be overdrawn: its count is below zero."""
ODD_TEXTS = ("x\x00y", "x" * 501)
FORMS = (
    "settle", "settle-part", "use-credit", "refund", "reissue", "record", "close", "clear", "issue", "change",
    "due-dates",
)  # fmt: skip


@pytest.fixture
def addresses(branch):
    """The address of each form, of a row that it is offered on."""
    account = cash_account(branch)
    pending = make_title(branch=branch, due_dates=(YESTERDAY,), our_numbers=("123",))
    parted = make_title(branch=branch, amounts=("600.00", "400.00"))
    settle_part(parted.installments.get(number=1), "100.00")
    overpaid = make_title(branch=branch)
    settle(overpaid, "1010.00")
    again = make_title(branch=branch, bill_to=overpaid.bill_to)
    late = make_title(branch=branch)
    settle(late, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=account.pk, day=YESTERDAY, **MOMENT)
    reverse_title(
        title_id=late.pk, reason=REASON, closed_cash={account.pk: ClosedCash(option=ClosedCashOption.NO_DEBIT)},
        **MOMENT,
    )  # fmt: skip
    record(account)
    several = make_title(branch=branch, amounts=("600.00", "400.00"))
    return {
        "settle": page(pending, "settle"), "settle-part": page(parted, "settle-part"),
        "use-credit": page(again, "use-credit"), "refund": page(overpaid.bill_to, "refund"),
        "reissue": page(pending, "reissue"), "record": desk(CashMovement, "add"),
        "close": page(CashDay.objects.get(day=TODAY), "close"),
        "clear": page(ClosedCashReversal.objects.get(), "clear"),
        "issue": desk(Title, "add"), "change": page(pending), "due-dates": page(several, "due-dates"),
    }  # fmt: skip


def form_of(client, address):
    context = client.get(address).context
    return context["adminform"].form if "adminform" in context else context["form"]


def filled(form) -> dict[str, str]:
    """Give what the form sends when nobody types anything."""
    given = {name: form[name].value() for name in form.fields}
    prepared = {name: form.fields[name].prepare_value(value) for name, value in given.items()}
    as_typed = {
        name: value.strftime("%d/%m/%Y") if hasattr(value, "strftime") else value for name, value in prepared.items()
    }
    return {name: value for name, value in as_typed.items() if value not in (None, "", False)}


def typed_fields(form, kinds) -> Iterator[str]:
    hidden = (forms.HiddenInput, forms.MultipleHiddenInput)
    for name, field in form.fields.items():
        if isinstance(field, kinds) and not isinstance(field.widget, hidden) and not field.disabled:
            yield name


@pytest.mark.parametrize("name", FORMS)
def test_no_odd_amount_day_or_number_is_taken(gerencia, addresses, name):
    form = form_of(gerencia, addresses[name])
    usual, before = filled(form) | {"apply_charges": "on"}, every_row()
    kinds = {kind: fields for kind in ODD if (fields := list(typed_fields(form, kind)))}
    assert kinds
    for kind, fields in kinds.items():
        for text in [text for text in ODD[kind] if text not in TAKEN.get(name, ())]:
            response = gerencia.post(addresses[name], usual | dict.fromkeys(fields, text))
            assert response.status_code == 200, text
            assert set(fields) - errors_of(response).keys() == set(), text
    assert every_row() == before
    assert_books_are_clean()


@pytest.mark.parametrize("name", ["settle", "settle-part", "use-credit", "refund", "reissue", "record", "clear"])
def test_no_text_that_is_too_long_or_unprintable_is_taken(gerencia, addresses, name):
    form = form_of(gerencia, addresses[name])
    usual, before = filled(form), every_row()
    fields = set(typed_fields(form, forms.CharField)) & {"reason", "notes"}
    for text in ODD_TEXTS:
        response = gerencia.post(addresses[name], usual | dict.fromkeys(fields, text))
        assert response.status_code == 200
        assert fields - errors_of(response).keys() == set(), text
    assert every_row() == before
