"""Rules of the index (docs/domain.md) that no story of another file tells: each test is one of them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string

from receivables.admin.debit_form import DebitForm
from receivables.admin.reversal import ReversalForm
from receivables.admin.title_tables import movements_table
from receivables.domain.errors import ConfirmationRequired
from receivables.domain.reversal import ClosedCashOption
from receivables.models import SYSTEM, CashMovement, City, Installment, Product, Reversal, Title
from receivables.services.cash_day import close_day
from receivables.services.reversal import ClosedCash
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_account,
    make_branch,
    make_customer,
    make_document_type,
    make_history_code,
    make_title,
    make_user,
)
from tests.pos_sync.test_ingestion import Till, line, make_device
from tests.services.test_reversal import debit, reverse
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture
def branch():
    return make_branch()


@pytest.fixture
def account(branch):
    return cash_account(branch)


@pytest.fixture
def settled(branch):
    title = make_title(branch=branch)
    settle(title, "1000.00")
    return title


@pytest.fixture
def closed(settled, account):
    """A settled title whose cash was closed afterwards."""
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    return settled


# The title (S2-S39, C3, G.22, G.24)


def test_a_title_keeps_every_field_of_the_screen(branch):
    parties = {name: make_customer() for name in ("sender", "recipient", "bill_to")}
    places = enumerate(("origin_city", "destination_city", "payment_city"))
    cities = {name: City(code=str(code), name="Curitiba", state="PR") for code, name in places}
    product = Product(code="1", name="Frete")
    for row in (*cities.values(), product):
        row.save_as(SYSTEM)
    plain = {
        "issued_on": TODAY, "billing_type": "invoice_trade_bill", "payable_on_presentation": True,
        "has_attached_report": True, "pre_invoice_number": "PF-7", "insurance_amount": Decimal("1.50"),
        "icms_amount": Decimal("12.00"), "freight_bill_count": 3, "notes": "Entregar na doca 2",
    }  # fmt: skip
    said = {**parties, **cities, **plain, "product": product, "history_code": make_history_code(),
            "entry_branch": make_branch(), "collecting_branch": make_branch()}  # fmt: skip
    title = Title.objects.get(pk=make_title(branch=branch, **said).pk)
    assert {name: getattr(title, name) for name in said} == said


def test_every_datum_of_a_title_is_on_its_screen(branch, rf):
    request = rf.get("/")
    request.user = make_user(is_superuser=True)
    shown = flatten_fieldsets(admin.site._registry[Title].get_fieldsets(request, make_title(branch=branch)))
    of_the_house = {"id", "version", "status", "installment_count", "cancel_reason"}
    assert {field.name for field in Title._meta.concrete_fields} - of_the_house <= set(shown)
    assert {"status_chip", "our_number", "difference"} <= set(shown)


def test_what_must_be_filled_in_is_marked():
    form = DebitForm()
    marked = {name for name in form.fields
              if 'class="required"' in render_to_string("admin/quita/field.html", {"field": form[name]})}  # fmt: skip
    assert marked == {"movement_date", "history_code", "document_type", "amount"}


def test_a_type_of_billing_that_is_none_of_the_three_is_refused():
    with pytest.raises(ValidationError) as refusal:
        Title._meta.get_field("billing_type").clean("barter", None)
    assert refusal.value.code == "invalid_choice"


def test_the_database_refuses_a_receipt_date_on_a_partly_settled_title(branch):
    title = make_title(branch=branch)
    settle_part(title.installments.get(), "10.00")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE receivables_title SET received_on = %s WHERE id = %s", [TODAY, title.pk])


def test_a_back_office_receipt_is_numbered_with_six_digits(branch):
    receipt = settle(make_title(branch=branch), "1000.00")
    assert receipt.label == f"{receipt.pk:06d}"


def test_the_names_that_outside_checks_read_are_fixed():
    tables = {model._meta.db_table: {field.column for field in model._meta.concrete_fields}
              for model in (Title, Installment, CashMovement)}  # fmt: skip
    assert tables["receivables_title"] >= {"status"}
    assert tables["receivables_installment"] >= {"status", "balance"}
    assert tables["receivables_cashmovement"] >= {"status", "amount"}


# Where and when the money enters (S27, S32, S36)


def test_the_day_the_money_enters_may_differ_from_the_day_it_was_received(branch):
    title = make_title(branch=branch)
    receipt = settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=TODAY))
    title.refresh_from_db()
    assert (title.received_on, title.cash_date) == (YESTERDAY, TODAY)
    assert receipt.movements.get().cash_date == TODAY


def test_a_settlement_enters_the_account_and_under_the_code_that_a_person_chose(branch):
    account, code = make_account(branch=branch), make_history_code()
    receipt = settle(
        make_title(branch=branch), "1000.00", deposit=deposit(account_id=account.pk, history_code_id=code.pk)
    )
    movement = receipt.movements.get()
    assert (movement.account, movement.history_code) == (account, code)


# The closed cash (S61-S88, C9-C12, G.2, K7)


def test_the_dialogue_shows_what_was_settled_where_and_when(closed, account):
    form = ReversalForm(row=closed, user=make_user(is_superuser=True), today=TODAY)
    shown = {str(value).replace("\xa0", " ") for _, value in form.what_is()}
    assert shown >= {"R$ 1.000,00", "23/11/2026", "01/09/2026", str(account)}


def test_a_debit_goes_to_the_account_of_the_settlement_and_is_listed_with_the_title(closed, account):
    said = debit(on=TOMORROW, notes="Devolvido ao cliente")
    reverse(closed, on=TOMORROW, closed_cash={account.pk: ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [said])})
    posted = CashMovement.objects.get(amount=-1000)
    assert (posted.account, posted.cash_date, posted.notes) == (account, TOMORROW, "Devolvido ao cliente")
    assert (posted.history_code_id, posted.document_type_id) == (said.history_code_id, said.document_type_id)
    assert len(movements_table(closed).rows) == 2


def test_answers_that_are_refused_leave_nothing_behind(closed, account):
    answer = ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit("990.00", on=TOMORROW)])
    with pytest.raises(ConfirmationRequired):
        reverse(closed, on=TOMORROW, closed_cash={account.pk: answer})
    closed.refresh_from_db()
    assert (closed.status, CashMovement.objects.count(), Reversal.objects.exists()) == ("settled", 1, False)


@pytest.mark.parametrize("option", ["account_debit", "no_debit"])
def test_answers_that_are_good_and_never_saved_leave_nothing_behind(closed, account, option):
    typed = {f"debit-{account.pk}-0-{name}": value for name, value in {
        "movement_date": "24/11/2026", "amount": "1.000,00", "document_type": make_document_type().pk,
        "history_code": make_history_code(direction="debit").pk}.items()}  # fmt: skip
    answers = {"reason": REASON, f"option_{account.pk}": option, **typed}
    assert ReversalForm(answers, row=closed, user=make_user(is_superuser=True), today=TOMORROW).is_valid()
    closed.refresh_from_db()
    assert (closed.status, CashMovement.objects.count(), Reversal.objects.exists()) == ("settled", 1, False)


def test_a_reversal_without_debit_is_told_in_the_notes(closed, account):
    reverse(closed, closed_cash={account.pk: ClosedCash(ClosedCashOption.NO_DEBIT)})
    closed.refresh_from_db()
    assert REASON in closed.notes


def test_a_receipt_taken_before_a_central_reversal_was_known_is_a_normal_settlement(settled, branch):
    seen = settled.installments.get()
    reverse(settled)
    till = Till(make_device(branch))
    (result,) = till.push(till.receipt(line(seen, 100_000)))
    assert (result["state"], result["outcome"]["allocated_cents"]) == ("applied", 100_000)


# Movements (G.4)


def test_an_accounts_balance_is_the_sum_of_all_its_movements(settled, account):
    reverse(settled)
    assert CashMovement.objects.filter(account=account).count() == 2
    assert CashMovement.objects.filter(account=account).balance() == 0
