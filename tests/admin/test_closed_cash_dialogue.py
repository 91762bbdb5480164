"""The dialogue of the closed cash, step by step: what an answer opens, what is kept, what nobody wrote (S61-S88)."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from receivables.admin.explain import explain
from receivables.domain.errors import (
    AlreadyReversed,
    CashDayClosed,
    CashDayNotClosed,
    ChangedMeanwhile,
    DateInFuture,
    MovementDateBeforeLiquidation,
    NewerReceiptFirst,
    NothingReceived,
    TitleNotSettled,
)
from receivables.models import CashMovement, ClosedCashReversal, PaymentMethod, Reversal
from receivables.services.cash_day import close_day, reopen_day
from receivables.services.reversal import reverse_title
from receivables.services.settlement import settle_title
from tests.admin.conftest import at_the_desk
from tests.admin.pages import PROVEN, buttons_of, page
from tests.admin.test_reversal_pages import FRIDAY, nothing_was_reversed, receive_part, typed_debit
from tests.ledger import every_row
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, deposit, make_account, make_title
from tests.pos_sync.test_ingestion import Till, line, make_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def settled(branch):
    title = make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount, received_on=FRIDAY, deposit=deposit(on=FRIDAY), by=CASHIER, now=NOW,
        on=TODAY,
    )  # fmt: skip
    return title


@pytest.fixture
def account(branch):
    return cash_account(branch)


@pytest.fixture
def closed(settled, account):
    """Settled on Friday, whose cash is closed."""
    close_day(account_id=account.pk, day=FRIDAY, by=CASHIER, now=NOW, on=TODAY)
    return settled


class Page:
    """The page of Estornar as a browser without scripts keeps it: what it holds is posted with the next button."""

    def __init__(self, client, title, name="reverse"):
        self.client, self.address = client, page(title, name)
        self.response = client.get(self.address)

    @property
    def form(self):
        return self.response.context["form"]

    @property
    def dialogue(self):
        return self.form.dialogues[0]

    @property
    def html(self):
        return self.response.content.decode()

    def held(self):
        """Give the value of each field that the page would send."""
        names = [field.html_name for field in self.form.hidden_fields()] + ["reason"]
        values = {name: self.form[name].value() for name in names}
        for dialogue in self.form.dialogues:
            for debit in dialogue.debits:
                values |= {field.html_name: field.value() for field in debit}
        return {name: value for name, value in values.items() if value not in (None, [])}

    def press(self, verb, **typed):
        """Press a step's button, with what was typed by the last part of a field's name."""
        held = self.held()
        entry = self.dialogue.entry
        for name, value in typed.items():
            held[entry[name].html_name if entry and name in entry.fields else name] = value
        account = self.dialogue.account.pk
        self.response = self.client.post(self.address, held | {"_step": f"{account}:{verb}"})
        return self

    def save(self, **typed):
        self.response = self.client.post(self.address, self.held() | PROVEN | typed)
        return self.response


def told(form):
    return {code for errors in form.errors.as_data().values() for code in (error.code for error in errors)}


# Sim, and what then


def test_a_button_sends_an_accounts_id_as_it_is_read_however_great(gerencia, branch):
    account, title = make_account(branch=branch, pk=1234567), make_title(branch=branch)
    settle_title(
        title_id=title.pk, received=title.amount, received_on=FRIDAY, by=CASHIER, now=NOW, on=TODAY,
        deposit=deposit(on=FRIDAY, account_id=account.pk),
    )  # fmt: skip
    close_day(account_id=account.pk, day=FRIDAY, by=CASHIER, now=NOW, on=TODAY)
    assert 'value="1234567:yes"' in Page(gerencia, title).html


def test_the_question_names_account_and_day(gerencia, closed, account):
    asked = Page(gerencia, closed)
    assert str(account) in asked.dialogue.question
    assert "20/11/2026" in asked.dialogue.question
    assert not asked.form.can_save


def test_the_cash_open_asks_nothing_and_offers_gravar_at_once(financeiro, settled):
    asked = Page(financeiro, settled)
    assert (asked.form.dialogues, asked.form.can_save) == ([], True)
    assert 'name="_confirm"' in asked.html


def test_no_field_of_a_debit_is_shown_before_it_is_wanted(gerencia, closed):
    asked = Page(gerencia, closed)
    assert "-movement_date" not in asked.html
    assert "-movement_date" not in asked.press("yes").html
    assert asked.press("account_debit").html.count("-0-movement_date") > 0
    assert "-1-movement_date" not in asked.html


def test_the_first_debit_is_proposed_whole(gerencia, closed, branch):
    entry = Page(gerencia, closed).press("yes").press("account_debit").dialogue.entry
    usual = branch.payment_methods.get(method__code=PaymentMethod.CASH)
    assert {name: str(entry[name].value()) for name in entry.fields} == {
        "movement_date": "23/11/2026", "amount": "1.000,00", "history_code": str(usual.debit_history_id),
        "document_type": str(usual.document_type_id), "notes": "",
    }  # fmt: skip


def test_today_is_not_proposed_where_its_cash_is_closed_too(gerencia, closed, account):
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    entry = Page(gerencia, closed).press("yes").press("account_debit").dialogue.entry
    assert not entry["movement_date"].value()


def test_the_option_without_debit_is_not_shown_to_who_may_not_take_it(tesouraria, closed):
    asked = Page(tesouraria, closed).press("yes")
    assert ":account_debit" in asked.html
    assert ":no_debit" not in asked.html


def test_a_step_without_debit_needs_its_own_permission(tesouraria, closed):
    assert Page(tesouraria, closed).press("yes").press("no_debit").response.status_code == 403


# Confirmar and another debit


def test_confirmar_stages_and_the_button_counts_the_debits(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("confirm")
    one = asked.form.save_label
    two = asked.press("more").press("confirm", amount="4,50").form.save_label
    assert ("1" in one, "2" in two) == (True, True)
    assert nothing_was_reversed()


def test_gravar_posts_what_was_staged(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("confirm", amount="995,00")
    asked.press("more").press("confirm", amount="5,00", notes="Tarifa").press("enough")
    assert asked.save(reason=REASON).status_code == 302
    debits = CashMovement.objects.filter(amount__lt=0).order_by("pk").values_list("amount", "notes")
    assert list(debits) == [(Decimal("-995.00"), ""), (Decimal("-5.00"), "Tarifa")]


def test_a_later_debit_is_given_up_alone_and_the_first_is_not(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("confirm")
    for amount in ("1,00", "2,00"):
        asked.press("more").press("confirm", amount=amount)
    amounts = [form["amount"].value() for form in asked.press("drop:1").dialogue.debits]
    assert amounts == ["1.000,00", "2,00"]
    assert len(asked.press("drop:0").dialogue.debits) == 2


def test_a_debit_that_was_confirmed_is_changed(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("confirm").press("change:0")
    assert asked.press("confirm", amount="999,00").dialogue.total() == Decimal("999.00")


def test_choosing_again_drops_the_debits(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("confirm").press("back")
    assert (asked.dialogue.debits, asked.dialogue.option) == ([], None)


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (TODAY + timedelta(days=1), DateInFuture.code),
        (FRIDAY - timedelta(days=1), MovementDateBeforeLiquidation.code),
        (FRIDAY, CashDayClosed.code),
    ],
)
def test_confirmar_tells_what_gravar_would_refuse(gerencia, closed, day, code):
    asked = Page(gerencia, closed).press("yes").press("account_debit")
    asked.press("confirm", movement_date=f"{day:%d/%m/%Y}")
    assert [error.code for error in asked.dialogue.entry.errors.as_data()["movement_date"]] == [code]
    assert asked.dialogue.stage == "enter"


def test_confirmar_without_debit_wants_a_reason(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("no_debit").press("confirm")
    assert set(asked.form.errors) == {"reason"}
    assert not asked.form.can_save
    assert asked.press("confirm", reason=REASON).form.can_save
    assert nothing_was_reversed()


def test_no_step_writes_anything(gerencia, closed):
    asked = Page(gerencia, closed)
    before = every_row()
    for verb in ("yes", "account_debit", "confirm", "more", "look", "confirm", "drop:1", "enough", "back", "no_debit"):
        asked.press(verb, reason=REASON)
    assert every_row() == before


def test_what_is_open_is_not_saved(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit")
    asked.save(reason=REASON)
    assert told(asked.form) == {"not_confirmed"}
    assert nothing_was_reversed()


# The warning and its tick


@pytest.mark.parametrize(("amount", "word"), [("990,00", "R$ 10,00"), ("1.002,50", "R$ 2,50"), ("1.000,00", "")])
def test_the_sum_is_compared_while_it_is_typed(gerencia, closed, amount, word):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("look", amount=amount)
    assert word in asked.dialogue.warning
    assert bool(asked.dialogue.warning) == bool(word)


def test_the_preview_follows_the_debits(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("look", amount="990,00")
    (balance,) = [each for each in asked.form.preview.balances if each.day == TODAY]
    assert (balance.before, balance.after) == (Decimal("1000.00"), Decimal("10.00"))


def test_a_tick_is_forgotten_when_the_debits_change(gerencia, closed):
    asked = Page(gerencia, closed).press("yes").press("account_debit").press("confirm", amount="990,00")
    asked.press("more", confirmed="debits_differ").press("confirm", amount="1,00").press("enough")
    asked.save(reason=REASON)
    assert set(asked.form.errors) == {"confirmed"}
    assert nothing_was_reversed()


# What changed meanwhile


def test_a_day_reopened_after_the_page_was_shown_is_told_with_who_did_it(gerencia, closed, account):
    asked = Page(gerencia, closed).press("yes").press("no_debit").press("confirm", reason=REASON)
    reopen_day(account_id=account.pk, day=FRIDAY, reason="Conferência do malote", by=CASHIER, now=NOW)
    asked.save()
    assert told(asked.form) == {CashDayNotClosed.code}
    assert "Conferência do malote" in str(asked.form.non_field_errors())
    assert asked.form.can_save  # the page is that of an open cash now
    assert nothing_was_reversed()


def test_a_day_closed_after_the_page_was_shown_opens_the_question(gerencia, settled, account):
    asked = Page(gerencia, settled)
    close_day(account_id=account.pk, day=FRIDAY, by=CASHIER, now=NOW, on=TODAY)
    asked.save(reason=REASON)
    assert "closed_meanwhile" in told(asked.form)
    assert (asked.dialogue.stage, asked.form["reason"].value()) == ("ask", REASON)
    assert nothing_was_reversed()


def test_an_answer_for_a_cash_that_is_not_closed_is_refused(gerencia, settled, account):
    asked = Page(gerencia, settled)
    asked.save(reason=REASON, **{f"option_{account.pk}": "account_debit"})
    assert told(asked.form) == {CashDayNotClosed.code}
    assert nothing_was_reversed()


def test_who_changed_the_title_is_named(financeiro, settled, branch):
    asked = Page(financeiro, settled)
    usual = {"by": CASHIER, "now": NOW, "on": TODAY}
    reverse_title(title_id=settled.pk, reason=REASON, **usual)
    settle_title(title_id=settled.pk, received=settled.amount, received_on=FRIDAY, deposit=deposit(on=FRIDAY), **usual)
    asked.save(reason=REASON)
    assert told(asked.form) == {ChangedMeanwhile.code}
    assert CASHIER.name in str(asked.form.non_field_errors())
    assert Reversal.objects.count() == 1


# Why it is refused (C1, C2)


def refusal(client, title):
    response = client.get(page(title, "reverse"), follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def test_c1_a_title_that_received_nothing_is_told_to_be_settled(financeiro, branch):
    title = make_title(branch=branch)
    expected = NothingReceived(title=str(title), status=title.get_status_display())
    assert refusal(financeiro, title) == explain(expected)


def test_c1_a_title_that_somebody_reversed_says_who_and_why(financeiro, settled):
    reversal = reverse_title(title_id=settled.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY)
    told_who = f"{reversal.receipt} ({CASHIER.name}, 23/11/2026 12:00: {REASON})"
    assert refusal(financeiro, settled) == explain(AlreadyReversed(what=told_who))


def test_c2_a_title_settled_in_part_is_sent_to_its_parts(financeiro, branch):
    title = make_title(branch=branch)
    receive_part(title, "300.00")
    title.refresh_from_db()
    expected = TitleNotSettled(title=str(title), status=title.get_status_display())
    assert refusal(financeiro, title) == explain(expected)
    assert "reverse-part" in buttons_of(financeiro, title)
    assert nothing_was_reversed()


def test_an_older_part_is_told_which_goes_first_before_anything_is_typed(financeiro, branch):
    title = make_title(branch=branch)
    older, newer = receive_part(title, "300.00"), receive_part(title, "200.00")
    form = financeiro.get(page(title, "reverse-part"), {"receipt_id": older.pk}).context["form"]
    assert form.out_of_order == explain(NewerReceiptFirst(receipt=newer.label))
    assert not form.can_save


def test_estornar_stands_beside_the_receipt_date_where_it_is_legal(financeiro, suporte, settled, branch):
    assert "beside-date" in financeiro.get(page(settled)).content.decode()
    assert "beside-date" not in suporte.get(page(settled)).content.decode()
    assert "beside-date" not in financeiro.get(page(make_title(branch=branch))).content.decode()


# A receipt in two accounts (G.3)


@pytest.fixture
def in_two_accounts(branch):
    """A title that a till received in cash and by Pix, both cashes closed since."""
    title = make_title(branch=branch)
    till = Till(make_device(branch))
    tenders = [{"method": "cash", "amount_cents": 60_000}, {"method": "pix", "amount_cents": 40_000, "reference": "E1"}]
    till.push(till.receipt(line(title.installments.get(), 100_000), tenders=tenders))
    for method in ("cash", "pix"):
        account = branch.payment_methods.get(method__code=method).account
        day = CashMovement.objects.get(account=account).cash_date
        close_day(account_id=account.pk, day=day, by=CASHIER, now=NOW, on=TODAY)
    return title


def test_each_account_is_asked_about_after_the_one_before_it(gerencia, in_two_accounts):
    asked = Page(gerencia, in_two_accounts)
    first, second = asked.form.dialogues
    assert [each.settled for each in (first, second)] == [Decimal("600.00"), Decimal("400.00")]
    assert [each.account for each in asked.form.asked] == [first.account]
    asked.press("yes").press("no_debit").press("confirm", reason=REASON)
    assert [each.account for each in asked.form.asked] == [first.account, second.account]
    assert not asked.form.can_save


def test_one_account_takes_a_debit_and_the_other_none(gerencia, in_two_accounts):
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        asked = Page(at_the_desk(gerencia.user), in_two_accounts)
        asked.press("yes").press("no_debit").press("confirm", reason=REASON)
        cash, bank = asked.form.dialogues
        typed = typed_debit(bank.account, amount="400,00", on="24/11/2026")
        asked.save(**typed, **{f"option_{bank.account.pk}": "account_debit", f"stage_{bank.account.pk}": "done"})
    differences = {row.account: row.known_difference for row in ClosedCashReversal.objects.all()}
    assert differences == {cash.account: Decimal("600.00"), bank.account: Decimal("0.00")}
    assert [row.amount for row in CashMovement.objects.filter(amount__lt=0)] == [Decimal("-400.00")]
