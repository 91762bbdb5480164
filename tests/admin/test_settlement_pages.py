"""Liquidação total, parcial and múltipla through the pages, typed the Brazilian way (domain.md B, G.19, G.20)."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotClosing,
    BatchChanged,
    CashDayClosed,
    ChangedMeanwhile,
    ConfirmationRequired,
    DateTooFarAhead,
    DiscountAboveLimit,
    InvalidAmount,
    ReasonTooShort,
)
from receivables.models import CashMovement, CustomerCredit, InstallmentStatus, Receipt, Title, TitleStatus
from receivables.services.cash_day import close_day
from tests.admin.conftest import at_the_desk
from tests.admin.pages import buttons_of, desk, errors_of, money_moved, page, settlement
from tests.admin.test_shell import here, menu
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_branch, make_customer, make_title, make_user

pytestmark = pytest.mark.django_db

SEVERAL = "/admin/receivables/title/settle-many/"
LATE = date(2026, 10, 24)  # 30 days before TODAY: 10,00 of interest and 20,00 of fine on 1.000,00


@pytest.fixture
def title(branch):
    return make_title(branch=branch, due_dates=(LATE,))


def status_of(title):
    return Title.objects.get(pk=title.pk).status


def test_the_form_is_filled_with_the_amount_due_today(gerencia, title):
    form = gerencia.get(page(title, "settle")).context["form"]
    shown = {name: form[name].value() for name in ("interest", "fine", "received", "received_on")}
    assert shown == {
        "interest": "10,00", "fine": "20,00", "received": "1.030,00", "received_on": TODAY,
    }  # fmt: skip


def test_the_page_asks_one_receipt_date(financeiro, title):
    assert financeiro.get(page(title, "settle")).content.decode().count('name="received_on"') == 1


# What will be, while it is typed


AS_PROPOSED = {"proposed_interest": "10,00", "proposed_fine": "20,00", "proposed_received": "1.030,00",
               "proposed_cash_date": "23/11/2026"}  # fmt: skip


def preview(client, title, move="settle", **values):
    """What the page is told while a person types, having left what was proposed unless said otherwise."""
    typed = settlement(title, "1.030,00", interest="10,00", fine="20,00") | AS_PROPOSED | values
    return client.post(f"{page(title, move)}preview/", typed).json()


def test_what_was_left_as_proposed_follows_the_receipt_date(gerencia, title):
    told = preview(gerencia, title, received_on="24/10/2026")
    assert told["fields"] == {
        "cash_date": "24/10/2026", "interest": "0,00", "fine": "0,00", "received": "1.000,00",
    }  # fmt: skip
    assert told["confirm"] == "Liquidar por R$ 1.000,00"
    assert (told["errors"], money_moved()) == ([], (0, 0))


def test_what_was_typed_stays_when_the_receipt_date_changes(gerencia, title):
    told = preview(gerencia, title, received_on="24/10/2026", received="1.040,00")
    assert told["fields"].keys() == {"cash_date", "interest", "fine"}
    assert ["Crédito do cliente", "R$ 40,00"] in told["will_be"]


def test_the_proposed_amount_follows_discount_and_charges(gerencia, title):
    told = preview(gerencia, title, discount="50,00", interest="4,00")
    assert told["fields"]["received"] == "974,00"
    assert ["Vlr da Diferença", "R$ 26,00"] in told["will_be"]


def test_calcular_does_the_same_without_a_script(gerencia, title):
    typed = settlement(title, "1.030,00", interest="10,00", fine="20,00", _calculate="1") | AS_PROPOSED
    form = gerencia.post(page(title, "settle"), typed | {"received_on": "24/10/2026"}).context["form"]
    assert (form["received"].value(), form["proposed_received"].value()) == ("1.000,00", "1.000,00")
    assert money_moved() == (0, 0)


def test_a_difference_is_told_as_part_or_discount(gerencia, title):
    told = dict(preview(gerencia, title, received="1.000,00")["will_be"])
    assert "R$ 30,00" in told["Situação"]


def test_a_preview_of_another_branch_is_404(foreigner, title):
    assert foreigner.post(f"{page(title, 'settle')}preview/", settlement(title, "1,00")).status_code == 404


def test_charges_are_typed_only_by_who_may_waive_them(financeiro, gerencia, title):
    assert financeiro.get(page(title, "settle")).context["form"].fields["interest"].disabled
    assert not gerencia.get(page(title, "settle")).context["form"].fields["interest"].disabled
    financeiro.post(page(title, "settle"), settlement(title, "1.000,00", interest="0,00", fine="0,00"))
    assert status_of(title) == TitleStatus.PENDING


def test_charges_are_waived_with_the_permission_and_a_reason(gerencia, title):
    typed = settlement(title, "1.000,00", interest="0,00", fine="0,00") | AS_PROPOSED
    assert errors_of(gerencia.post(page(title, "settle"), typed)) == {"reason": [ReasonTooShort.code]}
    gerencia.post(page(title, "settle"), typed | {"reason": REASON})
    assert status_of(title) == TitleStatus.SETTLED


def test_charges_above_what_is_due_are_told_at_once(gerencia, title):
    assert "10,00" in preview(gerencia, title, interest="10,01")["errors"][0]


def test_a_cash_date_months_ahead_is_told_beside_its_field(financeiro, title):
    response = financeiro.post(page(title, "settle"), settlement(title, "1.030,00", cash_date="24/12/2026"))
    assert errors_of(response) == {"cash_date": [DateTooFarAhead.code]}
    assert money_moved() == (0, 0)


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


def test_the_split_of_a_part_is_told_before_it_is_posted(financeiro, title):
    told = preview(financeiro, title, "settle-part", received="500,00", installment=title.installments.get().pk)
    assert ["Principal", "R$ 470,00"] in told["will_be"]
    assert ["Saldo da parcela", "R$ 530,00"] in told["will_be"]


def test_a_part_above_what_is_owed_is_told_while_it_is_typed(financeiro, title):
    told = preview(financeiro, title, "settle-part", received="1.030,01", installment=title.installments.get().pk)
    assert "1.030,00" in told["errors"][0]


def parts_shown(client, title):
    (table,) = client.get(page(title, "settle-part")).context["form"].tables()
    return [[str(cell.text) for cell in row] for row in table.rows]


def test_the_parts_so_far_are_listed_newest_first_and_only_the_newest_is_undone(financeiro, title):
    for amount in ("300,00", "200,00"):
        title.refresh_from_db()
        typed = settlement(title, amount, installment=title.installments.get().pk)
        financeiro.post(page(title, "settle-part"), typed)
    newer, older = parts_shown(financeiro, title)
    first, second = Receipt.objects.order_by("pk")
    assert [newer[7], older[7]] == ["200,00", "300,00"]
    assert older[3:6] == ["270,00", "10,00", "20,00"]
    assert f"{page(title, 'reverse-part')}?receipt_id={second.pk}" in newer[8]
    assert second.label in older[8]
    assert "href" not in older[8]
    assert first.label in older[0]


def test_who_may_not_reverse_is_offered_no_reversal_of_parts(branch, title):
    user = make_user(branches=(branch,))
    wanted = ("settle_title", "view_title")
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client = at_the_desk(user)
    client.post(page(title, "settle-part"), settlement(title, "1,00", installment=title.installments.get().pk))
    assert parts_shown(client, title)[0][8] in ("", "—")


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
    usual = {"received_on": "23/11/2026", "cash_date": "23/11/2026", "method": "cash",
             "title": [title.pk for title in titles]}  # fmt: skip
    return usual | dues | values


def offered(client, **query):
    """The documents that the page offers, and those that it has ticked."""
    lines = client.get(SEVERAL, query).context["form"].lines
    return [str(line.title) for line in lines], {str(line.title) for line in lines if line.is_chosen}


def test_the_menu_leads_to_the_page_of_several_titles(financeiro, suporte):
    def has(client):
        return any(entry["address"] == SEVERAL for section in menu(client) for entry in section["entries"])

    assert (has(financeiro), has(suporte)) == (True, False)
    assert financeiro.get(SEVERAL).context["title"] == "Liquidação múltipla"
    assert here(financeiro, SEVERAL) == ["Liquidação múltipla"]


def test_titles_are_picked_by_customer_period_and_branch(gerencia, branch):
    other = make_branch()
    other.members.add(gerencia.user)
    maria = make_customer(name="Maria Aparecida", document="52998224725")
    soon, late = TODAY, date(2026, 12, 23)
    a = make_title(branch=branch, bill_to=maria, due_dates=(soon,))
    b = make_title(branch=branch, bill_to=maria, due_dates=(late,))
    c = make_title(branch=other, due_dates=(soon,))
    assert offered(gerencia, customer="aparecida") == ([str(a), str(b)], set())
    assert offered(gerencia, customer="529.982.247-25")[0] == [str(a), str(b)]
    assert offered(gerencia, due_from="01/12/2026")[0] == [str(b)]
    assert offered(gerencia, due_to="30/11/2026")[0] == [str(a), str(c)]
    assert offered(gerencia, branch=str(other.pk))[0] == [str(c)]


def test_a_title_of_the_entry_branch_alone_is_not_offered(gerencia, branch):
    make_title(branch=make_branch(), entry_branch=branch)
    assert offered(gerencia) == ([], set())


def test_a_settled_title_is_not_offered(financeiro, batch):
    financeiro.post(page(batch[0], "settle"), settlement(batch[0], "100,00"))
    assert str(batch[0]) not in offered(financeiro)[0]


def test_the_foot_tells_count_balance_and_total_with_charges(financeiro, branch, title):
    on_time = make_title(branch=branch, amounts=("70.00",))
    told = financeiro.post(f"{SEVERAL}preview/", together(title, on_time)).json()
    assert [told["texts"][f"sum-{name}"] for name in ("count", "balance", "total")] == [
        "2", "R$ 1.070,00", "R$ 1.100,00",
    ]  # fmt: skip
    assert told["confirm"] == "Liquidar 2 títulos"


def test_the_amounts_follow_the_receipt_date(financeiro, title):
    told = financeiro.post(f"{SEVERAL}preview/", together(title, received_on="24/10/2026")).json()
    assert told["texts"][f"total-{title.pk}"] == told["hidden"][f"due_{title.pk}"] == "1.000,00"
    assert money_moved() == (0, 0)


def test_a_second_click_settles_nothing_more_and_tells_the_same(financeiro, batch):
    typed = together(*batch, form_key="5d9a1f0e-3f5b-4a7e-9d7b-0d9b0d7f2a11")
    financeiro.post(SEVERAL, typed)
    response = financeiro.post(SEVERAL, typed, follow=True)
    assert money_moved() == (3, 3)
    first, second = (str(message) for message in response.context["messages"])
    assert first == second


def test_only_what_is_ticked_is_settled(financeiro, batch):
    typed = together(*batch)
    financeiro.post(SEVERAL, typed | {"title": [batch[1].pk]})
    assert [status_of(title) for title in batch] == ["pending", "settled", "pending"]


def test_what_changed_meanwhile_is_listed_title_by_title(financeiro, batch):
    financeiro.post(page(batch[0], "settle"), settlement(batch[0], "100,00"))
    part = settlement(batch[1], "50,00", installment=batch[1].installments.get().pk)
    financeiro.post(page(batch[1], "settle-part"), part)
    form = financeiro.post(SEVERAL, together(*batch)).context["form"]
    (table,) = form.tables()
    assert [[cell.text for cell in row] for row in table.rows] == [
        [str(batch[0]), "Título Totalmente Liquidado", "100,00", "—"],
        [str(batch[1]), "Título Parcialmente Liquidado", "200,00", "150,00"],
    ]
    assert form.chosen == {batch[1].pk, batch[2].pk}
    assert form.sums()["total"] == "R$ 450,00"


def test_the_action_of_the_list_leads_to_the_page_with_count_and_total(financeiro, batch):
    chosen = {"action": "settle_selected", "_selected_action": [title.pk for title in batch]}
    response = financeiro.post(desk(Title, "changelist"), chosen, follow=True)
    html = response.content.decode()
    assert response.redirect_chain[0][0].startswith(SEVERAL)
    assert "R$ 600,00" in html
    assert all(title.document_number in html for title in batch)


def test_several_titles_are_settled_at_once(financeiro, batch):
    financeiro.post(SEVERAL, together(*batch))
    assert {status_of(title) for title in batch} == {TitleStatus.SETTLED}
    assert money_moved() == (3, 3)


def test_a_title_settled_meanwhile_refuses_the_whole_batch_by_name(financeiro, batch):
    financeiro.post(page(batch[0], "settle"), settlement(batch[0], "100,00"))
    response = financeiro.post(SEVERAL, together(*batch))
    assert errors_of(response) == {"__all__": [BatchChanged.code]}
    assert batch[0].document_number in str(response.context["form"].non_field_errors())
    assert {status_of(title) for title in batch[1:]} == {TitleStatus.PENDING}


def test_after_a_refusal_the_page_shows_the_amounts_of_now(financeiro, batch):
    response = financeiro.post(SEVERAL, together(*batch) | {f"due_{batch[0].pk}": "99,00"})
    assert 'value="100,00"' in str(response.context["form"][f"due_{batch[0].pk}"])
    assert money_moved() == (0, 0)


def test_a_batch_with_a_title_of_another_branch_is_404(gerencia, batch):
    foreign = make_title(branch=make_branch(name="Outra"))
    assert gerencia.get(SEVERAL, {"ids": f"{batch[0].pk},{foreign.pk}"}).status_code == 404
    assert gerencia.post(SEVERAL, together(*batch, foreign)).status_code == 404
    assert money_moved() == (0, 0)


def test_an_empty_batch_is_told(financeiro, batch):
    assert errors_of(financeiro.post(SEVERAL, together()))["__all__"]


def test_a_batch_without_the_permission_is_403(suporte, batch):
    assert suporte.post(SEVERAL, together(*batch)).status_code == 403
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
