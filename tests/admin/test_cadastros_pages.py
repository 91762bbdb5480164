"""Cadastros, parameters and people: what is typed, what is fixed once made, who signs the history (G.13)."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from pos_sync.models import TillPolicy
from receivables.domain.errors import InvalidDocument
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    Customer,
    Direction,
    HistoryCode,
    Holiday,
    LedgerAccount,
    ParameterSet,
    Terms,
)
from tests.admin.pages import PROVEN, desk, errors_of, page
from tests.make import REASON, cash_account, make_branch, make_customer, make_history_code, make_title, make_user

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


# Choosing by typing


def offered(client, model, field, term="", app="receivables"):
    """What a field that is chosen by typing offers, as the page asks for it."""
    asked = {"app_label": app, "model_name": model, "field_name": field, "term": term}
    answer = client.get(reverse("admin:autocomplete"), asked)
    assert answer.status_code == 200
    return {row["text"] for row in answer.json()["results"]}


def test_a_title_takes_active_credit_codes_only(gerencia, branch):
    credit = make_history_code(name="Recebimento de fretes")
    make_history_code(name="Recebimento antigo", is_active=False)
    make_history_code(name="Recebimento estornado", direction=Direction.DEBIT)
    assert offered(gerencia, "title", "history_code", "recebimento") >= {str(credit)}
    told = offered(gerencia, "title", "history_code", "recebimento ")
    assert not any("antigo" in text or "estornado" in text for text in told)


def test_the_codes_of_a_method_have_the_direction_of_their_field(gerencia, branch):
    credit, debit = make_history_code(), make_history_code(direction=Direction.DEBIT)
    assert str(debit) not in offered(gerencia, "branchpaymentmethod", "credit_history")
    assert str(credit) not in offered(gerencia, "branchpaymentmethod", "debit_history")
    assert str(debit) in offered(gerencia, "branchpaymentmethod", "debit_history")


def test_branches_and_accounts_of_others_are_not_offered(gerencia, branch):
    foreign = make_branch(name="Estrangeira")
    assert offered(gerencia, "ledgeraccount", "branch") == {str(branch)}
    accounts = offered(gerencia, "title", "account")
    assert accounts >= {str(cash_account(branch))}
    assert str(cash_account(foreign)) not in accounts


def test_a_customer_is_found_by_name_and_by_document(financeiro, branch):
    customer = make_customer(name="Transportes Iguaçu", document="52998224725")
    assert offered(financeiro, "title", "bill_to", "igua") == {str(customer)}
    assert offered(financeiro, "title", "bill_to", "529.982") == {str(customer)}


def test_a_customer_is_added_beside_the_title(financeiro, branch):
    typed = {"document": "529.982.247-25", "name": "Ana", "is_active": "on", "_popup": "1"}
    answer = financeiro.post(f"{desk(Customer, 'add')}?_popup=1", typed)
    assert str(Customer.objects.get().pk) in answer.content.decode()
    assert "popup_response.js" in answer.content.decode()


def test_who_makes_a_branch_works_in_it(gerencia, branch):
    typed = {"code": "099", "name": "Nova", "parameter_set": branch.parameter_set_id, "is_active": "on"}
    gerencia.post(desk(Branch, "add"), typed)
    made = Branch.objects.get(code="099")
    assert gerencia.user in made.members.all()
    assert "099" in gerencia.user.access_events.get().details


def test_a_branch_tells_who_works_there_and_people_tell_where(gerencia, financeiro, branch):
    html = gerencia.get(page(branch)).content.decode()
    assert page(financeiro.user) in html
    gerencia.post(page(branch), {"code": branch.code, "name": "Outra", "parameter_set": branch.parameter_set_id,
                                 "members": [], "is_active": "on"})  # fmt: skip
    assert financeiro.user in branch.members.all()


# Parameters


def policy(**values):
    usual = {"TOTAL_FORMS": "1", "INITIAL_FORMS": "0", "0-scope": "company", "0-max_receipt_cents": "2.000,00",
             "0-max_pending_cents": "30.000,00", "0-warn_age_hours": "12", "0-stop_age_hours": "48",
             "0-second_person_above_cents": "500,00"}  # fmt: skip
    return {f"till_policy-{name}": value for name, value in (usual | values).items()}


def test_the_tills_part_of_a_set_is_saved_on_its_page_and_signed(gerencia, branch):
    row = branch.parameter_set
    gerencia.post(page(row), {"name": row.name, "cash_closing_control": "on"} | policy())
    made = TillPolicy.objects.get(parameter_set=row)
    assert (made.scope, made.max_receipt_cents, made.stop_age_hours) == ("company", 200_000, 48)
    assert made.history.get().actor == gerencia.user.username


def test_a_set_without_a_policy_shows_the_limits_that_hold(gerencia, branch):
    html = gerencia.get(page(branch.parameter_set)).content.decode()
    assert 'value="5.000,00"' in html
    row = branch.parameter_set
    unchanged = {"0-scope": "branch", "0-max_receipt_cents": "5.000,00", "0-max_pending_cents": "50.000,00",
                 "0-warn_age_hours": "24", "0-stop_age_hours": "168",
                 "0-second_person_above_cents": "500,00"}  # fmt: skip
    gerencia.post(page(row), {"name": "Renomeado", "cash_closing_control": "on"} | policy(**unchanged))
    assert ParameterSet.objects.get(pk=row.pk).name == "Renomeado"
    assert not TillPolicy.objects.exists()


def test_a_till_warns_before_it_stops(gerencia, branch):
    row = branch.parameter_set
    typed = {"name": row.name} | policy(**{"0-warn_age_hours": "72"})
    response = gerencia.post(page(row), typed)
    assert "stop_age_hours" in response.context["inline_admin_formsets"][0].formset.errors[0]
    assert not TillPolicy.objects.exists()


NO_POLICY = {"till_policy-TOTAL_FORMS": "0", "till_policy-INITIAL_FORMS": "0"}
RATES = {"interest_percent": "0,0333", "interest_per": "day", "fine_percent": "2,00", "max_discount_percent": "10"}


def test_a_parameter_set_is_made_with_its_rates(gerencia, branch):
    gerencia.post(desk(ParameterSet, "add"), {"name": "Filiais", "cash_closing_control": "on"} | RATES | NO_POLICY)
    made = ParameterSet.objects.get(name="Filiais")
    assert (made.terms.interest_percent, made.terms.max_discount_percent) == (Decimal("0.0333"), Decimal("10.00"))
    assert (made.cash_closing_control, made.terms.allow_partial) == (True, False)


@pytest.mark.parametrize("text", ["0.033", "1.000", "101", "-1", "um", "1,23456"])
def test_a_percentage_is_typed_with_a_comma_and_within_range(gerencia, branch, text):
    response = gerencia.post(
        desk(ParameterSet, "add"), {"name": "Filiais"} | RATES | NO_POLICY | {"interest_percent": text}
    )
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
    first = {"name": "Primeiro", "is_default": "on"} | RATES | NO_POLICY
    gerencia.post(desk(ParameterSet, "add"), first)
    response = gerencia.post(desk(ParameterSet, "add"), first | {"name": "Segundo"})
    assert "Primeiro" in str(response.context["adminform"].form.errors["is_default"])
    assert not ParameterSet.objects.filter(name="Segundo").exists()


def test_changing_rates_needs_its_permission(tesouraria, branch):
    assert tesouraria.post(page(branch.parameter_set, "rates"), RATES).status_code == 403
    assert Terms.objects.count() == 1


# People


def typed_person(branch, *, group="Financeiro", **values):
    usual = {"username": "bia", "first_name": "Bia", "groups": [Group.objects.get(name=group).pk],
             "branches": [branch.pk], "password": "uma-senha-boa"}  # fmt: skip
    return usual | values


def test_a_manager_adds_a_person_with_group_and_branch(gerencia, branch):
    gerencia.post(desk(User, "add"), typed_person(branch))
    person = User.objects.get(username="bia")
    assert [group.name for group in person.groups.all()] == ["Financeiro"]
    assert list(person.branches.all()) == [branch]
    assert (person.is_staff, person.is_superuser, person.check_password("uma-senha-boa")) == (True, False, True)
    assert person.access_events.get().actor == gerencia.user.username


def test_a_weak_first_password_is_told_beside_its_field(gerencia, branch):
    response = gerencia.post(desk(User, "add"), typed_person(branch, password="12345"))
    assert "password_too_short" in errors_of(response)["password"]
    assert not User.objects.filter(username="bia").exists()


def test_a_person_is_put_in_branches_of_the_manager_only(gerencia, branch):
    response = gerencia.post(desk(User, "add"), typed_person(make_branch()))
    assert errors_of(response) == {"branches": ["invalid_choice"]}


def test_a_manager_changes_groups_and_the_page_tells_it(gerencia, financeiro, branch):
    typed = typed_person(branch, group="Tesouraria", username=financeiro.user.username)
    gerencia.post(page(financeiro.user), typed)
    assert financeiro.user.groups.get().name == "Tesouraria"
    assert "Financeiro" in gerencia.get(page(financeiro.user)).content.decode()


def test_who_works_in_another_branch_is_not_found_and_who_works_there_too_is_only_read(gerencia, branch):
    elsewhere, both = make_user(branches=(make_branch(),)), make_user(branches=(branch, make_branch()))
    assert gerencia.get(page(elsewhere)).status_code == 404
    assert gerencia.get(page(both)).status_code == 200
    assert gerencia.post(page(both), typed_person(branch)).status_code == 403
    assert gerencia.post(page(both, "new-password"), {} | PROVEN).status_code == 403


def test_a_manager_makes_nobody_an_administrator_and_touches_none(gerencia, chief, branch):
    chief.user.branches.add(branch)
    gerencia.post(desk(User, "add"), typed_person(branch, is_superuser="on"))
    assert not User.objects.get(username="bia").is_superuser
    assert gerencia.post(page(chief.user, "new-password"), {} | PROVEN).status_code == 403


def test_who_is_deactivated_is_out_at_the_next_click(gerencia, financeiro):
    assert financeiro.get("/admin/").status_code == 200
    gerencia.post(page(financeiro.user, "deactivate"), {"reason": REASON})
    assert financeiro.get("/admin/").status_code == 302


def test_a_new_password_ends_the_sessions_of_the_former_one(gerencia, financeiro):
    typed = {"password": "outra-senha-boa", "again": "outra-senha-boa"} | PROVEN
    gerencia.post(page(financeiro.user, "new-password"), typed)
    assert User.objects.get(pk=financeiro.user.pk).check_password("outra-senha-boa")
    assert financeiro.get("/admin/").status_code == 302


def test_ones_own_new_password_is_told_too(financeiro):
    typed = {"old_password": "secret", "new_password1": "outra-senha-boa", "new_password2": "outra-senha-boa"}
    financeiro.post(reverse("admin:password_change"), typed | {"new_password2": "outra"})
    assert not financeiro.user.access_events.exists()
    financeiro.post(reverse("admin:password_change"), typed)
    event = financeiro.user.access_events.get()
    assert (event.kind, event.actor) == ("password_set", financeiro.user.username)
    assert financeiro.get("/admin/").status_code == 200


def test_two_different_passwords_change_nothing(gerencia, financeiro):
    typed = {"password": "outra-senha-boa", "again": "outra-senha-bola"} | PROVEN
    assert "again" in errors_of(gerencia.post(page(financeiro.user, "new-password"), typed))
    assert User.objects.get(pk=financeiro.user.pk).check_password("secret")


def test_a_user_is_not_deleted_but_made_inactive(chief, financeiro):
    assert chief.post(reverse("admin:auth_user_delete", args=[financeiro.user.pk]), {"post": "yes"}).status_code == 403


def test_the_pages_of_people_open_to_a_superuser(chief, financeiro):
    for name in ("user", "group"):
        assert chief.get(reverse(f"admin:auth_{name}_changelist")).status_code == 200
    assert chief.get(reverse("admin:auth_user_change", args=[financeiro.user.pk])).status_code == 200


def test_what_groups_may_do_is_an_administrators_to_say(gerencia):
    assert gerencia.get(reverse("admin:auth_group_changelist")).status_code == 403


def test_people_are_a_managers_business(tesouraria, financeiro):
    assert tesouraria.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert tesouraria.get(page(financeiro.user)).status_code == 403
    assert tesouraria.post(page(financeiro.user, "deactivate"), {"reason": REASON}).status_code == 403
    assert financeiro.get("/admin/").status_code == 200


def test_logging_in_leads_to_the_start_page(client, financeiro):
    answer = client.post(
        reverse("admin:login"), {"username": financeiro.user.username, "password": "secret", "next": "/admin/"}
    )
    assert answer.headers["Location"] == "/admin/"
