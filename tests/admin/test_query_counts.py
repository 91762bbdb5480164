"""A page asks as many queries for many rows as for few: the ledger's lists, its sheets and a customer's page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from receivables.models import BankSlip, CashDay, CashMovement, CustomerCredit, Receipt, Reversal
from receivables.services.reversal import reverse_title
from tests.admin.pages import desk, page
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_customer, make_title
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db


def trade(branch, customer, count):
    """Issue titles, settle them with an excess, and reverse every second one."""
    for number in range(count):
        title = make_title(branch=branch, bill_to=customer, our_numbers=(f"{BankSlip.objects.count():09d}",))
        settle(title, "1010.00")
        if number % 2:
            reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY)


PAGES = {
    **{model.__name__: lambda _branch, _customer, model=model: desk(model, "changelist")
       for model in (Receipt, CashMovement, CustomerCredit, Reversal, BankSlip)},
    "the statement": lambda branch, _customer: f"{reverse('admin:statement')}?account={cash_account(branch).pk}",
    "the accounts": lambda _branch, _customer: reverse("admin:accounts"),
    "a customer": lambda _branch, customer: page(customer),
    "a cash day": lambda branch, _customer: page(CashDay.objects.get(account=cash_account(branch), day=TODAY)),
    "a customer’s statement": lambda _branch, customer: f"{_report('customer-statement')}?customer={customer.pk}",
    "the reversals": lambda _branch, _customer: _report("reversals"),
    "the receipts": lambda _branch, _customer: _report("received"),
    "the cash of a day": lambda branch, _customer: f"{_report('cash-day')}?account={cash_account(branch).pk}",
}  # fmt: skip


def _report(code):
    return reverse("admin:reports_one", args=[code])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_as_many_queries_for_many_rows_as_for_few(gerencia, branch, name):
    customer = make_customer()
    trade(branch, customer, 4)
    address = PAGES[name](branch, customer)
    assert gerencia.get(address).status_code == 200
    counts = []
    for more in (0, 12):
        trade(branch, customer, more)
        with CaptureQueriesContext(connection) as queries:
            gerencia.get(address)
        counts.append(len(queries))
    assert counts[0] == counts[1]
