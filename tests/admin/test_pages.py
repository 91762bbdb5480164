"""Every noun has its pages, they open, and nothing is deleted or written where the rules say so."""

import pytest
from django.contrib import admin
from django.urls import reverse

from pos_sync.models import Device, Operation, TillOperator, TillPolicy
from receivables.models import SYSTEM, CashDay, Customer, Divergence, Receipt, Title
from receivables.models.audited import AppendOnlyModel
from receivables.services.cash_day import close_day
from receivables.services.settlement import settle_title
from tests.admin.pages import page
from tests.make import CASHIER, NOW, TODAY, cash_account, deposit, make_title

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in ("receivables", "pos_sync")]


def _named(model):
    return model._meta.label


@pytest.fixture
def lived_in(branch):
    """A branch in which something of each kind has happened."""
    title = make_title(branch=branch, amounts=("600.00", "400.00"), our_numbers=("109000001", "109000002"))
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    Divergence(branch=branch, reason="over_balance", amount=title.amount).save_as(SYSTEM)
    device = Device(branch=branch, till="03", install_id="x")
    device.save_as(SYSTEM)
    Operation.objects.create(op_id="op-1", device=device, judged_as=device, epoch=1, seq=1, kind="receipt", raw="{}")
    TillOperator(branch=branch, code="7", name="Bia").save_as(SYSTEM)
    TillPolicy(parameter_set=branch.parameter_set).save_as(SYSTEM)
    return title


@pytest.mark.parametrize("model", OURS, ids=_named)
def test_the_list_of_every_noun_opens(gerencia, lived_in, model):
    response = gerencia.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"), {"q": "a"})
    assert response.status_code == 200


@pytest.mark.parametrize("model", OURS, ids=_named)
def test_the_page_of_every_noun_opens(gerencia, lived_in, model):
    row = model.objects.order_by("pk").first()
    if row is None:
        pytest.skip("no such row happens in this story")
    assert gerencia.get(page(row)).status_code == 200


@pytest.mark.parametrize("model", OURS, ids=_named)
def test_the_empty_form_of_every_noun_opens_or_is_forbidden(chief, model):
    response = chief.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
    assert response.status_code == (200 if _may_be_added(model) else 403)


def _may_be_added(model):
    return model._meta.model_name in {
        "title", "customer", "cashmovement", "branch", "city", "product", "holiday", "ledgeraccount", "historycode",
        "documenttype", "paymentmethod", "branchpaymentmethod", "parameterset", "tillpolicy", "tilloperator",
    }  # fmt: skip


@pytest.mark.parametrize("model", list(admin.site._registry), ids=_named)
def test_not_even_a_superuser_deletes_anything_of_the_business(chief, rf, model):
    if model._meta.app_label == "axes":
        pytest.skip("attempts to log in are no business of the ledger")
    request = rf.get("/")
    request.user = chief.user
    assert admin.site._registry[model].has_delete_permission(request) is False
    assert "delete_selected" not in admin.site._registry[model].get_actions(request)


def test_the_delete_page_is_forbidden_to_a_superuser(chief, lived_in):
    assert chief.post(page(lived_in, "delete"), {"post": "yes"}).status_code == 403
    assert Title.objects.filter(pk=lived_in.pk).exists()


@pytest.mark.parametrize("model", [model for model in OURS if issubclass(model, AppendOnlyModel)], ids=_named)
def test_append_only_rows_are_never_typed_into(chief, rf, model):
    request = rf.get("/")
    request.user = chief.user
    pages = admin.site._registry[model]
    assert (pages.has_add_permission(request), pages.has_change_permission(request)) == (False, False)


def test_posting_to_a_receipt_is_forbidden(chief, lived_in):
    receipt = Receipt.objects.get()
    assert chief.post(page(receipt), {"amount": "1,00"}).status_code == 403


def test_a_row_of_another_branch_is_not_found(foreigner, lived_in):
    for row in (lived_in, Receipt.objects.get(), CashDay.objects.first(), Device.objects.get(), Divergence.objects.get()):
        assert foreigner.get(page(row)).status_code == 404
        assert foreigner.get(page(row, "history")).status_code == 404


def test_lists_hold_the_rows_of_the_users_branches_only(foreigner, gerencia, lived_in):
    for model in (Title, Receipt, CashDay, Device, Divergence, Operation):
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert foreigner.get(address).context["cl"].result_count == 0
        assert gerencia.get(address).context["cl"].result_count > 0


def test_the_start_page_bears_the_products_name(gerencia):
    assert "Quita" in gerencia.get(reverse("admin:index")).content.decode()


def test_pages_carry_no_script_and_no_style_of_their_own(gerencia, lived_in):
    for address in (page(lived_in), page(lived_in, "history"), page(lived_in, "reverse")):
        html = gerencia.get(address).content.decode()
        assert "<style" not in html
        assert " style=" not in html
        assert " onclick=" not in html


def test_a_customer_who_is_changed_keeps_a_signed_history(gerencia, lived_in):
    customer = lived_in.bill_to
    Customer.objects.get(pk=customer.pk)
    gerencia.post(page(customer), {"document": "529.982.247-25", "name": "Novo Nome", "is_active": "on"})
    newest = customer.history.first()
    assert (newest.name, newest.actor, newest.channel) == ("Novo Nome", gerencia.user.username, "back_office")
