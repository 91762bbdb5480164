import pytest
from decimal import Decimal
from django.db import connection
from receivables.models import *
from receivables.services.title import change_title, issue_title
from receivables.services.credit import use_credit, refund_credit
from receivables.services.cash_movement import reverse_cash_movement
from receivables.services.cash_day import close_day
from tests.make import *
from tests.services.test_settlement import settle, settle_part
pytestmark = pytest.mark.django_db
def test_a():
    title = make_title()
    change_title(title_id=title.pk, changes={"amount": Decimal(0)}, version=title.version, by=CASHIER)
def test_neg():
    settle_part(make_title().installments.get(), "-5")
def test_inexact():
    t=make_title(); r=settle_part(t.installments.get(), "10.005"); r.refresh_from_db(); print(r.amount, t.installments.get().balance, r.movements.get().amount, r.allocations.get().principal)
    assert 0
def test_credit_supplement():
    branch = make_branch(parameter_set=make_parameter_set(cash_closing_control=False))
    t = make_title(branch=branch); settle(t, "1100.00")
    o = make_title(branch=branch, amounts=("100.00",), bill_to=t.bill_to)
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    use_credit(installment_id=o.installments.get().pk, amount=Decimal(50), cash_date=TODAY, by=CASHIER, now=NOW, on=TODAY)
def test_refund_reversed():
    t = make_title(); settle(t, "1100.00")
    r = refund_credit(customer_id=t.bill_to_id, branch_id=t.collecting_branch_id, amount=Decimal(50), method_code="cash", cash_date=TODAY, reason=REASON, by=CASHIER, now=NOW)
    reverse_cash_movement(movement_id=r.movement_id, history_code_id=make_history_code().pk, reason=REASON, by=CASHIER, now=NOW)
    from django.core.management import call_command
    call_command("check_books")
def test_noparts():
    make_title(amounts=())
def test_sum():
    t=make_title(amounts=("123456789.10",)); r=settle(t, "999999999.37")
    for i in range(37):
        refund_credit(customer_id=t.bill_to_id, branch_id=t.collecting_branch_id, amount=Decimal("0.01"), method_code="cash", cash_date=TODAY, reason=REASON, by=CASHIER, now=NOW)
    print(CustomerCredit.objects.available(), CashMovement.objects.balance()); assert 0
