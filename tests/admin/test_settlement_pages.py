"""Liquidação total, parcial and múltipla through the pages, typed the Brazilian way (domain.md B, G.19, G.20)."""

from datetime import date
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotClosing,
    BatchChanged,
    CashDayClosed,
    ChangedMeanwhile,
    ConfirmationRequired,
    DiscountAboveLimit,
    InvalidAmount,
)
from receivables.models import CashMovement, CustomerCredit, InstallmentStatus, Receipt, Title, TitleStatus
from receivables.services.cash_day import close_day
from tests.admin.pages import buttons_of, desk, errors_of, money_moved, page, settlement
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_branch, make_title

pytestmark = pytest.mark.django_db

LATE = date(2026, 10, 24)  # 30 days before TODAY: 10,00 of interest and 20,00 of fine on 1.000,00


@pytest.fixture
def title(branch):
    return make_title(branch=branch, due_dates=(LATE,))


def status_of(title):
    return Title.objects.get(pk=title.pk).status


def test_the_form_is_filled_with_the_amount_due_today(financeiro, title):
    form = financeiro.get(page(title, "settle")).context["form"]
    assert 'value="1.030,00"' in str(form["received"])
    assert 'value="23/11/2026"' in str(form["received_on"])
    assert "10,00" in form.fields["interest"].help_text
    assert "20,00" in form.fields["fine"].help_text


def test_the_form_calculates_for_another_receipt_date(financeiro, title):
    form = financeiro.get(page(title, "settle"), {"received_on": "24/10/2026"}).context["form"]
    assert 'value="1.000,00"' in str(form["received"])


def test_a_title_is_settled_with_brazilian_formats(financeiro, title):
    response = financeiro.post(page(title, "settle"), settlement(title, "1.030,00"), follow=True)
    title = Title.objects.get(pk=title.pk)
    assert (title.status, title.received_on, title.received_amount) == (TitleStatus.SETTLED, TODAY, Decimal("1030.00"))
    movement = CashMovement.objects.get(title=title)
    assert (movement.amount, movement.cash_date, movement.actor) == (
        Decimal("1030.00"),
        TODAY,
        financeiro.user.username,
    )
    told = " ".join(str(message) for message in response.context["messages"])
    assert title.document_number in told
    assert Receipt.objects.get().label in told
    assert response.redirect_chain[-1][0] == page(title)


def test_a_second_post_of_the_settle_form_settles_nothing_more(financeiro, title):
    typed = settlement(title, "1.030,00")
    financeiro.post(page(title, "settle"), typed)
    moved = money_moved()
    financeiro.post(page(title, "settle"), typed)
    assert money_moved() == moved == (1, 1)


def test_the_buttons_follow_the_status(financeiro, title):
    assert {"settle", "settle-part", "cancel"} <= buttons_of(financeiro, title)
    financeiro.post(page(title, "settle"), settlement(title, "1.030,00"))
    assert buttons_of(financeiro, title) == {"reverse"}


def test_support_sees_the_title_without_buttons(suporte, title):
    assert buttons_of(suporte, title) == set()


@pytest.mark.parametrize("verb", ["settle", "settle-part", "cancel", "due-dates"])
def test_posting_without_the_permission_is_403_and_writes_nothing(suporte, title, verb):
    typed = settlement(title, "1.030,00", reason=REASON, installment=title.installments.get().pk)
    assert suporte.post(page(title, verb), typed).status_code == 403
    assert (status_of(title), money_moved()) == (TitleStatus.PENDING, (0, 0))


@pytest.mark.parametrize("verb", ["settle", "settle-part", "cancel", "reverse"])
def test_a_title_of_another_branch_is_404_and_writes_nothing(foreigner, title, verb):
    assert foreigner.get(page(title, verb)).status_code == 404
    assert foreigner.post(page(title, verb), settlement(title, "1.030,00", reason=REASON)).status_code == 404
    assert (status_of(title), money_moved()) == (TitleStatus.PENDING, (0, 0))


def test_a_title_seen_through_its_entry_branch_alone_is_not_settled_there(gerencia, branch):
    other = make_branch(name="Outra")
    title = make_title(branch=other, entry_branch=branch)
    assert gerencia.get(page(title)).status_code == 200
    assert buttons_of(gerencia, title) == set()
    assert gerencia.post(page(title, "settle"), settlement(title, "1.000,00")).status_code == 403


@pytest.mark.parametrize(
    "text", ["1,030.00", "1030.00", "mil", "12,345", "-5,00", "", "1.03,00", "99.999.999.999.999,00"]
)
def test_an_amount_that_is_no_brazilian_amount_is_told_beside_the_field(financeiro, title, text):
    response = financeiro.post(page(title, "settle"), settlement(title, text))
    assert response.status_code == 200
    assert "received" in errors_of(response)
    assert money_moved() == (0, 0)


def test_a_wrong_amount_is_told_in_the_formats_of_the_reader(financeiro, title):
    response = financeiro.post(page(title, "settle"), settlement(title, "1.029,99"))
    assert errors_of(response) == {"received": [AmountNotClosing.code]}
    told = str(response.context["form"].errors["received"])
    assert "1.029,99" in told
    assert "1.030,00" in told


def test_a_point_for_a_comma_is_told_by_its_rule(financeiro, title):
    response = financeiro.post(page(title, "settle"), settlement(title, "1030.00"))
    assert errors_of(response) == {"received": [InvalidAmount.code]}


@pytest.mark.parametrize("text", ["2026-13-01", "31/02/2026", "amanhã", "01/01/0001", "24/11/2026"])
def test_a_receipt_date_that_cannot_be_is_told_beside_the_field(financeiro, title, text):
    response = financeiro.post(page(title, "settle"), settlement(title, "1.030,00", received_on=text))
    assert "received_on" in errors_of(response)
    assert money_moved() == (0, 0)


def test_a_closed_cash_day_is_named_beside_the_cash_date(financeiro, title, branch):
    account = cash_account(branch)
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    response = financeiro.post(page(title, "settle"), settlement(title, "1.030,00"))
    assert errors_of(response) == {"cash_date": [CashDayClosed.code]}
    assert "23/11/2026" in str(response.context["form"].errors["cash_date"])


def test_more_than_is_due_asks_for_a_tick_and_then_becomes_credit(financeiro, title):
    response = financeiro.post(page(title, "settle"), settlement(title, "1.040,00"))
    assert errors_of(response) == {"confirmed": [ConfirmationRequired.code]}
    assert 'type="checkbox"' in str(response.context["form"]["confirmed"])
    assert money_moved() == (0, 0)
    financeiro.post(page(title, "settle"), settlement(title, "1.040,00", confirmed="excess_becomes_credit"))
    assert CustomerCredit.objects.filter(customer=title.bill_to).available() == Decimal("10.00")


def test_a_discount_above_the_limit_needs_its_permission(financeiro, gerencia, title):
    typed = settlement(title, "900,00", discount="130,00", reason=REASON)
    assert errors_of(financeiro.post(page(title, "settle"), typed)) == {"discount": [DiscountAboveLimit.code]}
    gerencia.post(page(title, "settle"), typed)
    assert status_of(title) == TitleStatus.SETTLED


def test_a_title_that_changed_meanwhile_is_opened_again(financeiro, title):
    typed = settlement(title, "1.030,00", version=title.version - 1)
    assert errors_of(financeiro.post(page(title, "settle"), typed)) == {"__all__": [ChangedMeanwhile.code]}
    assert money_moved() == (0, 0)


def test_a_cancelled_title_sends_the_person_back_to_its_page(financeiro, title):
    financeiro.post(page(title, "cancel"), {"reason": REASON})
    response = financeiro.post(page(title, "settle"), settlement(title, "1.030,00"), follow=True)
    assert response.redirect_chain == [(page(title), 302)]
    assert [message.level_tag for message in response.context["messages"]][-1] == "error"
    assert money_moved() == (0, 0)


# In part


def test_a_part_is_received_charges_first(financeiro, title):
    installment = title.installments.get()
    financeiro.post(page(title, "settle-part"), settlement(title, "500,00", installment=installment.pk))
    installment.refresh_from_db()
    assert (installment.status, installment.balance) == (InstallmentStatus.PARTIALLY_SETTLED, Decimal("530.00"))
    assert status_of(title) == TitleStatus.PARTIALLY_SETTLED


def test_a_second_click_on_a_part_is_refused(financeiro, title):
    typed = settlement(title, "300,00", installment=title.installments.get().pk)
    financeiro.post(page(title, "settle-part"), typed)
    assert errors_of(financeiro.post(page(title, "settle-part"), typed)) == {"__all__": [ChangedMeanwhile.code]}
    assert money_moved() == (1, 1)


def test_a_part_that_slips_in_between_look_and_lock_undoes_the_second(financeiro, title, monkeypatch):
    typed = settlement(title, "300,00", installment=title.installments.get().pk)
    financeiro.post(page(title, "settle-part"), typed)
    monkeypatch.setattr("receivables.admin.transitions.TransitionForm.clean", lambda form: form.cleaned_data)
    assert errors_of(financeiro.post(page(title, "settle-part"), typed)) == {"__all__": [ChangedMeanwhile.code]}
    assert money_moved() == (1, 1)


def test_a_part_above_what_is_owed_is_refused_beside_its_field(financeiro, title):
    typed = settlement(title, "1.030,01", installment=title.installments.get().pk)
    assert errors_of(financeiro.post(page(title, "settle-part"), typed)) == {"received": [AmountAboveBalance.code]}


def test_a_part_of_another_titles_installment_is_no_choice(financeiro, title, branch):
    foreign = make_title(branch=branch).installments.get()
    response = financeiro.post(page(title, "settle-part"), settlement(title, "10,00", installment=foreign.pk))
    assert errors_of(response) == {"installment": ["invalid_choice"]}


# Several at once


@pytest.fixture
def batch(branch):
    return [make_title(branch=branch, amounts=(amount,)) for amount in ("100.00", "200.00", "300.00")]


def together(*titles, **values):
    dues = {f"due_{title.pk}": f"{title.amount:.2f}".replace(".", ",") for title in titles}
    return {"received_on": "23/11/2026", "cash_date": "23/11/2026", "method": "cash"} | dues | values


def test_the_action_of_the_list_leads_to_the_page_with_count_and_total(financeiro, batch):
    chosen = {"action": "settle_selected", "_selected_action": [title.pk for title in batch]}
    response = financeiro.post(desk(Title, "changelist"), chosen, follow=True)
    html = response.content.decode()
    assert response.redirect_chain[0][0].startswith(desk(Title, "settle-many"))
    assert "R$ 600,00" in html
    assert all(title.document_number in html for title in batch)


def test_several_titles_are_settled_at_once(financeiro, batch):
    financeiro.post(desk(Title, "settle-many"), together(*batch))
    assert {status_of(title) for title in batch} == {TitleStatus.SETTLED}
    assert money_moved() == (3, 3)


def test_a_title_settled_meanwhile_refuses_the_whole_batch_by_name(financeiro, batch):
    financeiro.post(page(batch[0], "settle"), settlement(batch[0], "100,00"))
    response = financeiro.post(desk(Title, "settle-many"), together(*batch))
    assert errors_of(response) == {"__all__": [BatchChanged.code]}
    assert batch[0].document_number in str(response.context["form"].non_field_errors())
    assert {status_of(title) for title in batch[1:]} == {TitleStatus.PENDING}


def test_after_a_refusal_the_page_shows_the_amounts_of_now(financeiro, batch):
    response = financeiro.post(desk(Title, "settle-many"), together(*batch) | {f"due_{batch[0].pk}": "99,00"})
    assert 'value="100,00"' in str(response.context["form"][f"due_{batch[0].pk}"])
    assert money_moved() == (0, 0)


def test_a_batch_with_a_title_of_another_branch_is_404(gerencia, batch):
    foreign = make_title(branch=make_branch(name="Outra"))
    assert gerencia.get(desk(Title, "settle-many"), {"ids": f"{batch[0].pk},{foreign.pk}"}).status_code == 404
    assert gerencia.post(desk(Title, "settle-many"), together(*batch, foreign)).status_code == 404
    assert money_moved() == (0, 0)


def test_an_empty_batch_is_told(financeiro, batch):
    assert errors_of(financeiro.post(desk(Title, "settle-many"), together()))["__all__"]


def test_a_batch_without_the_permission_is_403(suporte, batch):
    assert suporte.post(desk(Title, "settle-many"), together(*batch)).status_code == 403
    assert money_moved() == (0, 0)


# With the customer's credit


def test_a_customers_credit_pays_an_installment(tesouraria, title, branch):
    paid = make_title(branch=branch, bill_to=title.bill_to, amounts=("10.00",))
    typed = settlement(paid, "110,00", confirmed="excess_becomes_credit")
    tesouraria.post(page(paid, "settle"), typed)
    assert "use-credit" in buttons_of(tesouraria, title)
    use = {"installment": title.installments.get().pk, "amount": "100,00", "cash_date": "23/11/2026",
           "version": title.version}  # fmt: skip
    tesouraria.post(page(title, "use-credit"), use)
    assert CustomerCredit.objects.filter(customer=title.bill_to).available() == 0
    assert title.installments.get().balance == Decimal("930.00")
