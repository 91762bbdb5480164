"""Every noun has its pages, they open, and nothing is deleted or written where the rules say so."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse

from pos_sync.models import Device, Operation, OperationConflict, RawBatch, Snapshot, SyncRun, TillOperator, TillPolicy
from pos_sync.services.pairing import make_pairing_code
from receivables.domain.reversal import ClosedCashOption
from receivables.models import SYSTEM, CashDay, City, Divergence, Holiday, Product, Receipt, Title
from receivables.models.audited import AppendOnlyModel, AuditRow
from receivables.services.cash_day import close_day
from receivables.services.cash_session import open_session
from receivables.services.people import deactivate_person
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import ClosedCash, reverse_title
from receivables.services.settlement import settle_title
from tests.admin.pages import page
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, deposit, make_title, make_user

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in ("receivables", "pos_sync")]
SHOWN_ELSEWHERE = {
    "ExportedList", "ReceiptTender", "ReceiptAllocation", "ReversalLine", "CashDayClosing", "CashDayReopening",
    "CashSessionClosing", "CashCount", "CashDayCount", "CashDayCountLine", "KnownDifferenceAssignment", "DeviceToken",
    "DeviceContact", "DeviceEpoch", "OperationArrival", "SnapshotPage", "Change", "Epoch",
}  # fmt: skip
"""Shown on the page of their noun, or no row for people."""


def _named(model):
    return model._meta.label


@pytest.fixture
def lived_in(branch):
    """A branch in which something of each kind has happened."""
    title = make_title(branch=branch, amounts=("600.00", "400.00"), our_numbers=("109000001", "109000002"))
    _settled_with_credit(title)
    _reversed_with_the_cash_closed(branch)
    _collected_anew(branch)
    _a_session(branch)
    _a_till(branch)
    deactivate_person(user_id=make_user(branches=(branch,)).pk, reason=REASON, by=CASHIER)
    Divergence(branch=branch, reason="over_balance", amount=title.amount).save_as(SYSTEM)
    for row in (
        City(code="1", name="Curitiba", state="PR"),
        Product(code="1", name="Frete"),
        Holiday(day=TODAY, name="X"),
    ):
        row.save_as(SYSTEM)
    return title


def _settled_with_credit(title):
    settle_title(
        title_id=title.pk,
        received=title.amount + 1,
        received_on=TODAY,
        deposit=deposit(),
        by=CASHIER,
        now=NOW,
        on=TODAY,
    )


def _reversed_with_the_cash_closed(branch):
    title = make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )
    account = cash_account(branch)
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    reverse_title(
        title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY,
        closed_cash={account.pk: ClosedCash(option=ClosedCashOption.NO_DEBIT)},
    )  # fmt: skip


def _collected_anew(branch):
    title = make_title(branch=branch, our_numbers=("109000003",))
    reissue_bank_collection(
        installment_id=title.installments.get().pk, new_due_date=TODAY, reason=REASON, apply_charges=False,
        write_off_requested=True, by=CASHIER, on=TODAY, now=NOW,
    )  # fmt: skip


def _a_session(branch):
    open_session(
        idempotency_key="s-1", branch=branch, station="03", operator="7", opened_at=NOW, float_amount=Decimal(50),
        by=CASHIER,
    )  # fmt: skip


def _a_till(branch):
    device = Device(branch=branch, till="03", install_id="x")
    device.save_as(SYSTEM)
    operation = Operation.objects.create(
        op_id="op-1", device=device, judged_as=device, epoch=1, seq=1, kind="receipt", raw='{"a": 5000.0}'
    )
    OperationConflict.objects.create(operation=operation, device=device, content_hash="x", raw="{}")
    RawBatch.objects.create(device=device, body=b"{")
    SyncRun.objects.create(branch=branch, why="daily", result="built", business_date=TODAY, began_at=NOW, duration_ms=5)
    Snapshot.objects.create(
        snapshot_id="s", branch=branch, business_date=TODAY, page_size=500, cursor="", as_of=NOW, expires_at=NOW
    )
    TillOperator(branch=branch, code="7", name="Bia").save_as(SYSTEM)
    TillPolicy(parameter_set=branch.parameter_set).save_as(SYSTEM)
    make_pairing_code(branch_code=branch.code, till="04", by=CASHIER, now=NOW)


def test_every_noun_has_its_pages():
    nouns = {*apps.get_app_config("receivables").get_models(), *apps.get_app_config("pos_sync").get_models()}
    without = {model._meta.object_name for model in nouns - set(OURS) if not issubclass(model, AuditRow)}
    assert without == SHOWN_ELSEWHERE


def test_the_list_of_every_noun_opens(gerencia, lived_in):
    for model in OURS:
        assert gerencia.get(_list_of(model), {"q": "a"}).status_code == 200, model


def test_the_page_of_every_noun_opens(gerencia, lived_in):
    for model in OURS:
        assert gerencia.get(page(model.objects.order_by("pk").first())).status_code == 200, model


def test_the_empty_form_of_a_noun_opens_only_where_it_is_typed(chief):
    for model in OURS:
        response = chief.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
        assert response.status_code == (200 if _may_be_added(model) else 403), model


def _list_of(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _may_be_added(model):
    return model._meta.model_name in {
        "title", "customer", "cashmovement", "branch", "city", "product", "holiday", "ledgeraccount", "historycode",
        "documenttype", "paymentmethod", "branchpaymentmethod", "parameterset", "tillpolicy", "tilloperator",
    }  # fmt: skip


@pytest.mark.parametrize("model", [*OURS, User, Group], ids=_named)
def test_not_even_a_superuser_deletes_anything_of_the_business(chief, rf, model):
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
    receipt = Receipt.objects.first()
    assert chief.post(page(receipt), {"amount": "1,00"}).status_code == 403


def test_a_row_of_another_branch_is_not_found(foreigner, lived_in):
    for row in (
        lived_in,
        Receipt.objects.first(),
        CashDay.objects.first(),
        Device.objects.get(),
        Divergence.objects.get(),
    ):
        assert foreigner.get(page(row)).status_code == 404
        assert foreigner.get(page(row, "history")).status_code == 404


def test_lists_hold_the_rows_of_the_users_branches_only(foreigner, gerencia, lived_in):
    for model in (Title, Receipt, CashDay, Device, Divergence, Operation):
        assert foreigner.get(_list_of(model)).context["cl"].result_count == 0
        assert gerencia.get(_list_of(model)).context["cl"].result_count > 0


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
    gerencia.post(page(customer), {"document": "529.982.247-25", "name": "Novo Nome", "is_active": "on"})
    newest = customer.history.first()
    assert (newest.name, newest.actor, newest.channel) == ("Novo Nome", gerencia.user.username, "back_office")
