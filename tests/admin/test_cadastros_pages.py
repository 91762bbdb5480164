"""Cadastros, parameters and people: what is typed, what is fixed once made, who signs the history (G.13)."""

from decimal import Decimal

import pytest
from django.urls import reverse

from receivables.domain.errors import InvalidDocument
from receivables.models import (
    BranchPaymentMethod,
    Customer,
    Direction,
    HistoryCode,
    Holiday,
    LedgerAccount,
    ParameterSet,
    Terms,
)
from tests.admin.pages import desk, errors_of, page
from tests.make import cash_account, make_branch, make_customer, make_history_code, make_title

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "kept"), [("529.982.247-25", "52998224725"), ("12.abc.345/01de-35", "12ABC34501DE35")]
)
def test_a_customers_document_is_typed_with_its_mask(financeiro, branch, text, kept):
    financeiro.post(desk(Customer, "add"), {"document": text, "name": "Ana", "is_active": "on"})
    customer = Customer.objects.get()
    assert (customer.document, customer.history.get().actor) == (kept, financeiro.user.username)


@pytest.mark.parametrize("text", ["529.982.247-26", "123", "111.111.111-11", "12.ABC.345/01DE-34"])
def test_a_wrong_document_is_told_beside_its_field(financeiro, branch, text):
    response = financeiro.post(desk(Customer, "add"), {"document": text, "name": "Ana"})
    assert errors_of(response) == {"document": [InvalidDocument.code]}


def test_the_same_document_again_is_refused(financeiro, branch):
    make_customer(document="52998224725")
    response = financeiro.post(desk(Customer, "add"), {"document": "529.982.247-25", "name": "Ana"})
    assert errors_of(response) == {"document": ["unique"]}


def test_changing_a_customer_grows_the_version_that_tills_copy(financeiro, branch):
    customer = make_customer(document="52998224725")
    financeiro.post(page(customer), {"document": "52998224725", "name": "Novo", "is_active": "on"})
    customer.refresh_from_db()
    assert (customer.name, customer.version) == ("Novo", 2)


def test_codes_that_postings_rest_on_are_fixed_once_made(gerencia, branch):
    code = make_history_code(direction=Direction.CREDIT)
    gerencia.post(page(code), {"code": "X", "name": "Outro texto", "direction": "debit", "is_active": "on"})
    code = HistoryCode.objects.get(pk=code.pk)
    assert (code.name, code.direction) == ("Outro texto", Direction.CREDIT)
    assert code.code != "X"


def test_treasury_changes_no_cadastro(tesouraria, branch):
    code = make_history_code()
    assert tesouraria.post(page(code), {"name": "Outro"}).status_code == 403
    assert tesouraria.post(desk(Holiday, "add"), {"day": "08/12/2026", "name": "Padroeira"}).status_code == 403


def test_a_local_holiday_is_typed_as_a_brazilian_date(gerencia, branch):
    gerencia.post(desk(Holiday, "add"), {"day": "08/12/2026", "name": "Padroeira"})
    assert str(Holiday.objects.get().day) == "2026-12-08"


def test_an_account_is_made_in_a_branch_of_the_person(gerencia, branch):
    typed = {"short_code": "9001", "name": "Cofre", "branch": make_branch().pk, "kind": "cash", "is_active": "on"}
    assert errors_of(gerencia.post(desk(LedgerAccount, "add"), typed)) == {"branch": ["invalid_choice"]}
    gerencia.post(desk(LedgerAccount, "add"), typed | {"branch": branch.pk})
    assert LedgerAccount.objects.get(short_code="9001").branch == branch


def test_a_payment_method_of_a_branch_takes_histories_of_the_right_direction(gerencia, branch):
    row = BranchPaymentMethod.objects.filter(branch=branch).first()
    typed = {"account": cash_account(branch).pk, "credit_history": row.debit_history_id,
             "debit_history": row.debit_history_id, "document_type": row.document_type_id}  # fmt: skip
    assert errors_of(gerencia.post(page(row), typed)) == {"credit_history": ["invalid_choice"]}


# Parameters

RATES = {"interest_percent": "0,0333", "interest_per": "day", "fine_percent": "2,00", "max_discount_percent": "10"}


def test_a_parameter_set_is_made_with_its_rates(gerencia, branch):
    gerencia.post(desk(ParameterSet, "add"), {"name": "Filiais", "cash_closing_control": "on"} | RATES)
    made = ParameterSet.objects.get(name="Filiais")
    assert (made.terms.interest_percent, made.terms.max_discount_percent) == (Decimal("0.0333"), Decimal("10.00"))
    assert (made.cash_closing_control, made.terms.allow_partial) == (True, False)


@pytest.mark.parametrize("text", ["0.033", "1.000", "101", "-1", "um", "1,23456"])
def test_a_percentage_is_typed_with_a_comma_and_within_range(gerencia, branch, text):
    response = gerencia.post(desk(ParameterSet, "add"), {"name": "Filiais"} | RATES | {"interest_percent": text})
    assert "interest_percent" in errors_of(response)
    assert not ParameterSet.objects.filter(name="Filiais").exists()


def test_new_rates_are_a_new_row_that_the_open_installments_follow(gerencia, branch):
    title = make_title(branch=branch)
    old = branch.parameter_set.terms
    gerencia.post(page(branch.parameter_set, "rates"), RATES | {"allow_partial": "on"})
    new = Terms.objects.latest("pk")
    assert new != old
    assert title.installments.get().terms == new
    assert ParameterSet.objects.get(pk=branch.parameter_set_id).terms == new


def test_the_rates_now_fill_the_form(gerencia, branch):
    form = gerencia.get(page(branch.parameter_set, "rates")).context["form"]
    assert 'value="1,00"' in str(form["interest_percent"])


def test_a_second_default_set_is_refused_by_name(gerencia, branch):
    first = {"name": "Primeiro", "is_default": "on"} | RATES
    gerencia.post(desk(ParameterSet, "add"), first)
    response = gerencia.post(desk(ParameterSet, "add"), first | {"name": "Segundo"})
    assert "Primeiro" in str(response.context["adminform"].form.errors["is_default"])
    assert not ParameterSet.objects.filter(name="Segundo").exists()


def test_changing_rates_needs_its_permission(tesouraria, branch):
    assert tesouraria.post(page(branch.parameter_set, "rates"), RATES).status_code == 403
    assert Terms.objects.count() == 1


# People


def test_a_user_is_not_deleted_but_made_inactive(chief, financeiro):
    assert chief.post(reverse("admin:auth_user_delete", args=[financeiro.user.pk]), {"post": "yes"}).status_code == 403


def test_the_pages_of_people_open_to_a_superuser(chief, financeiro):
    for name in ("user", "group"):
        assert chief.get(reverse(f"admin:auth_{name}_changelist")).status_code == 200
    assert chief.get(reverse("admin:auth_user_change", args=[financeiro.user.pk])).status_code == 200


def test_a_manager_gives_nobody_permissions(gerencia):
    assert gerencia.get(reverse("admin:auth_user_changelist")).status_code == 403


def test_logging_in_leads_to_the_start_page(client, financeiro):
    answer = client.post(
        reverse("admin:login"), {"username": financeiro.user.username, "password": "secret", "next": "/admin/"}
    )
    assert answer.headers["Location"] == "/admin/"
