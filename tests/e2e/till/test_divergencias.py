"""A parcel is paid at the office while a till receives it offline: a person decides, and the till is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from pos_sync.models import Operation
from receivables.models import Branch, CustomerCredit, Divergence, Installment
from receivables.services.settlement import settle_title
from tests.e2e.desk import Desk
from tests.e2e.till.counter import Counter
from tests.make import CASHIER, deposit, make_title

pytestmark = pytest.mark.browser


@pytest.fixture
def another(branch: Branch, debt: Installment) -> Installment:
    """What Maria owes besides: 90,00."""
    today = timezone.localdate()
    title = make_title(
        branch=branch, amounts=("90.00",), due_dates=(today + timedelta(9),), issued_on=today - timedelta(30),
        bill_to=debt.title.bill_to,
    )  # fmt: skip
    return title.installments.get()


def test_a_parcel_paid_twice_pays_another_one_by_one_click_and_the_till_is_told(
    counter: Counter, debt: Installment, another: Installment, gerencia: Desk
) -> None:
    with counter.unplugged():
        counter.press("F10", "Enter")
        counter.receive_in_cash("maria")
        today, now = timezone.localdate(), timezone.now()
        settle_title(title_id=debt.title_id, received=Decimal(150), received_on=today, deposit=deposit(on=today),
                     by=CASHIER, now=now, on=today)  # fmt: skip
    counter.delivers()

    gerencia.open_list(Divergence)
    gerencia.page.get_by_role("link", name="Parcela já liquidada").click()
    expect(gerencia.page.locator(".proposal")).to_contain_text("R$ 90,00")
    gerencia.page.locator(".proposal button").click()
    gerencia.told("Divergência resolvida")
    expect(gerencia.page.locator(".record-head .chip")).to_have_text("Usada em parcela")

    assert Installment.objects.get(pk=another.pk).status == "settled"
    assert CustomerCredit.objects.filter(customer=debt.title.bill_to).available() == Decimal("60.00")
    assert Operation.objects.get(kind="receipt").state == "resolved"
    counter.press("Escape", "F12", "F9")
    counter.on("Pendências")
    expect(counter.page.get_by_text("Resolvido pelo escritório")).to_be_visible(timeout=60_000)
