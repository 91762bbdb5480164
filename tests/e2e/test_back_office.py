"""What a treasurer sees: look up, settle, cash movement, history, Estornar, closed cash, parts, many, bad input.

Every journey also ends with clean books, signed history, silent consoles and no request to another host (conftest).
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import expect

from receivables.admin.explain import explain, reais
from receivables.domain.errors import AmountAboveBalance, BatchChanged, ChangedMeanwhile, InvalidAmount, OptionRequired
from receivables.domain.money import format_brl
from receivables.models import (
    Actor,
    Branch,
    CashDay,
    CashMovement,
    ClosedCashReversal,
    Direction,
    HistoryCode,
    PaymentMethod,
    Receipt,
    Reversal,
    Title,
    TitleStatus,
)
from receivables.services.cash_day import close_day
from receivables.services.groups import FINANCEIRO
from receivables.services.settlement import quote, settle_title
from tests.e2e.desk import Desk, address, said, today, typed
from tests.make import REASON, cash_account, deposit, make_customer, make_title, make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LATE_DAYS = 40


def issue(branch: Branch, amount: str = "1000.00", *, due: date | None = None, **values: object) -> Title:
    """A title issued 60 days ago, due today unless told otherwise."""
    return make_title(
        branch=branch, amounts=(amount,), due_dates=(due or today(),), issued_on=today() - timedelta(days=60), **values
    )


def read(title: Title) -> Title:
    return Title.objects.get(pk=title.pk)


def amounts_of(title: Title) -> list[Decimal]:
    return list(CashMovement.objects.filter(title=title).order_by("pk").values_list("amount", flat=True))


def money_moved(branch: Branch) -> tuple[int, int]:
    """Count the receipts and the movements of a branch."""
    return Receipt.objects.filter(branch=branch).count(), CashMovement.objects.filter(account__branch=branch).count()


def known_difference(title: Title) -> Decimal:
    return ClosedCashReversal.objects.get(reversal__title=title).known_difference


def is_reversed(title: Title) -> bool:
    return Reversal.objects.filter(title=title).exists()


def settle(desk: Desk, title: Title, *, on: date | None = None) -> None:
    """Settle a title wholly through its page, with what the page proposes."""
    desk.open(title)
    desk.press("settle")
    if on is not None:
        desk.calculate_for(on)
    desk.confirm()
    desk.status_is("settled")


def settle_part(desk: Desk, title: Title, amount: str) -> None:
    desk.open(title)
    desk.press("settle-part")
    desk.fill(received=amount)
    desk.confirm()
    desk.told(said("Receipt %(receipt)s of %(amount)s posted. Title %(title)s: %(status)s.").split("%")[0])


# Look up, settle, see, reverse


def test_a_title_is_looked_up_settled_seen_and_reversed(financeiro: Desk, branch: Branch) -> None:
    customer = make_customer(name="Ferragens Tibagi Ltda.", document="11144477735")
    issue(branch)
    title = issue(branch, due=today() - timedelta(days=LATE_DAYS), bill_to=customer)
    due = sum(each.total for each in quote(title_ids=[title.pk], on=today()))
    assert due > title.amount

    financeiro.log_in("secret")
    financeiro.open_list(Title)
    financeiro.search("111.444.777-35")
    expect(financeiro.page.locator("#result_list tbody tr")).to_have_count(1)
    financeiro.page.get_by_role("link", name=title.document_number).click()
    financeiro.status_is("pending")

    financeiro.press("settle")
    expect(financeiro.page.locator("[name=received]")).to_have_value(format_brl(due))
    financeiro.confirm()
    financeiro.told(reais(due))
    financeiro.status_is("settled")
    financeiro.shows("received_on", typed(today()))
    assert read(title).received_amount == due

    movements = financeiro.table("Cash and banks")
    expect(movements).to_have_count(1)
    expect(movements.locator("td.number")).to_have_text(format_brl(due))
    movements.get_by_role("link", name=typed(today())).click()
    financeiro.status_is("posted")
    financeiro.shows("amount", format_brl(due))

    financeiro.open(title, "history")
    receipt = Receipt.objects.get(branch=branch)
    entry = financeiro.entry(str(TitleStatus.SETTLED.label)).first
    expect(entry).to_contain_text(financeiro.user.username)
    expect(entry.locator(".reason")).to_contain_text(receipt.label)

    financeiro.open(title)
    financeiro.press("reverse")
    expect(financeiro.page.locator(".facts")).to_contain_text(receipt.label)
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.told(receipt.label)
    financeiro.status_is("pending")
    lines = financeiro.table("Cash and banks")
    expect(lines.locator("td.number")).to_have_text([format_brl(due), format_brl(-due)])
    expect(financeiro.table("Receipts")).to_contain_text(REASON)
    lines.get_by_role("link", name=typed(today())).first.click()
    financeiro.status_is("reversed")

    financeiro.open(title, "history")
    expect(financeiro.entry(REASON).first).to_contain_text(financeiro.user.username)
    assert amounts_of(title) == [due, -due]
    assert read(title).received_on is None


# The cash is closed


@pytest.fixture
def yesterday() -> date:
    return today() - timedelta(days=1)


@pytest.fixture
def closed(branch: Branch, yesterday: date) -> Title:
    """A title settled yesterday, whose cash is closed."""
    title = issue(branch)
    moment = {"by": Actor.person(make_user()), "now": timezone.now(), "on": today()}
    settle_title(
        title_id=title.pk, received=title.amount, received_on=yesterday, deposit=deposit(on=yesterday), **moment
    )
    close_day(account_id=cash_account(branch).pk, day=yesterday, **moment)
    return title


def ask_to_reverse(desk: Desk, title: Title) -> None:
    desk.open(title)
    desk.press("reverse")
    desk.fill(reason=REASON)


def choose(desk: Desk, branch: Branch, option: str) -> None:
    desk.page.locator(f"[name=option_{cash_account(branch).pk}][value={option}]").check()


def fill_debit(desk: Desk, branch: Branch, *, number: int = 0, amount: str | None = None) -> None:
    """Fill one debit of the dialogue; the first proposes day and amount by itself."""
    usual = branch.payment_methods.get(method__code=PaymentMethod.CASH)
    typed_in = {"history_code": str(usual.debit_history_id), "document_type": str(usual.document_type_id)}
    if number:
        typed_in["movement_date"] = typed(today())
    if amount is not None:
        typed_in["amount"] = amount
    desk.fill(**{f"debit-{cash_account(branch).pk}-{number}-{name}": value for name, value in typed_in.items()})


def test_with_a_debit_the_closed_line_stays_and_the_debit_stands_beside_it(
    tesouraria: Desk, branch: Branch, yesterday: date
) -> None:
    title = issue(branch)
    settle(tesouraria, title, on=yesterday)
    tesouraria.open_list(CashDay)
    tesouraria.press("close-cash")
    tesouraria.fill(account=str(cash_account(branch).pk), day=typed(yesterday), counted_amount="1.000,00")
    tesouraria.confirm()
    tesouraria.told(reais(title.amount))

    ask_to_reverse(tesouraria, title)
    choose(tesouraria, branch, "account_debit")
    fill_debit(tesouraria, branch)
    tesouraria.confirm()
    tesouraria.status_is("pending")
    lines = tesouraria.table("Cash and banks")
    expect(lines.locator("td.number")).to_have_text(["1.000,00", "-1.000,00"])
    expect(lines.nth(0)).to_contain_text(typed(yesterday))
    expect(lines.nth(1)).to_contain_text(typed(today()))
    assert set(CashMovement.objects.filter(title=title).values_list("status", flat=True)) == {"posted"}
    assert known_difference(title) == 0


def test_debits_that_differ_are_asked_about_and_the_difference_stays_known(
    tesouraria: Desk, branch: Branch, closed: Title
) -> None:
    ask_to_reverse(tesouraria, closed)
    choose(tesouraria, branch, "account_debit")
    fill_debit(tesouraria, branch, amount="990,00")
    fill_debit(tesouraria, branch, number=1, amount="4,50")
    tesouraria.confirm()
    box = tesouraria.page.get_by_role("checkbox")
    expect(box).to_be_visible()
    assert not is_reversed(closed)
    box.check()
    tesouraria.confirm()
    tesouraria.status_is("pending")
    assert known_difference(closed) == Decimal("10.00")


def test_without_debit_nothing_is_posted_and_the_notes_say_so(gerencia: Desk, branch: Branch, closed: Title) -> None:
    ask_to_reverse(gerencia, closed)
    choose(gerencia, branch, "no_debit")
    gerencia.confirm()
    gerencia.status_is("pending")
    expect(gerencia.table("Cash and banks").locator("td.number")).to_have_text(["1.000,00"])
    assert read(closed).notes
    expect(gerencia.page.locator("[name=notes]")).to_have_value(read(closed).notes)
    assert amounts_of(closed) == [Decimal("1000.00")]
    assert known_difference(closed) == Decimal("1000.00")


def test_the_dialogue_insists_on_an_answer_and_cancelar_leaves_nothing(
    tesouraria: Desk, branch: Branch, closed: Title, yesterday: date
) -> None:
    account = cash_account(branch)
    ask_to_reverse(tesouraria, closed)
    expect(tesouraria.page.locator("[value=no_debit]")).to_have_count(0)
    tesouraria.confirm()
    tesouraria.refused(f"option_{account.pk}", explain(OptionRequired(account=str(account), day=yesterday)))
    tesouraria.page.locator(".submit-row .closelink").click()
    tesouraria.status_is("settled")
    assert not is_reversed(closed)
    assert amounts_of(closed) == [Decimal("1000.00")]


def test_who_may_not_reverse_with_the_cash_closed_is_told_so(financeiro: Desk, closed: Title) -> None:
    financeiro.may_be_refused = True
    financeiro.open(closed)
    financeiro.press("reverse")
    expect(financeiro.page.get_by_role("heading", name=said("Not permitted"))).to_be_visible()
    assert not is_reversed(closed)


# Parts


def test_parts_are_received_until_the_title_closes_and_undone_newest_first(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle_part(financeiro, title, "300,00")
    financeiro.status_is("partially_settled")
    expect(financeiro.table("Installments").locator("td.number")).to_have_text(["1.000,00", "700,00"])
    settle_part(financeiro, title, "700,00")
    financeiro.status_is("settled")

    financeiro.press("reverse")
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.status_is("partially_settled")
    expect(financeiro.button("reverse")).to_have_count(0)

    financeiro.press("reverse-part")
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.status_is("pending")
    expect(financeiro.table("Cash and banks").locator("td.number")).to_have_text(
        ["300,00", "700,00", "-700,00", "-300,00"]
    )


def test_a_part_above_the_balance_is_refused_beside_its_field(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle-part")
    financeiro.fill(received="1.000,01")
    financeiro.confirm()
    expected = AmountAboveBalance(amount=Decimal("1000.01"), balance=title.amount, installment=title.installments.get())
    financeiro.refused("received", explain(expected))
    assert money_moved(branch) == (0, 0)


# Several titles


def choose_titles(desk: Desk, *titles: Title) -> None:
    desk.open_list(Title)
    for title in titles:
        desk.page.locator(f"[name=_selected_action][value='{title.pk}']").check()
    desk.page.locator("[name=action]").select_option("settle_selected")
    desk.page.locator("#changelist-form .actions [type=submit]").click()


def test_several_titles_are_settled_at_once(tesouraria: Desk, branch: Branch) -> None:
    titles = [issue(branch, amount) for amount in ("1234.56", "100.00", "0.44")]
    left = issue(branch)
    choose_titles(tesouraria, *titles)
    expect(tesouraria.page.locator(".facts")).to_contain_text("R$ 1.335,00")
    tesouraria.confirm()
    tesouraria.told("R$ 1.335,00")
    assert [read(title).status for title in (*titles, left)] == ["settled"] * 3 + ["pending"]
    assert money_moved(branch) == (3, 3)


def test_when_one_of_several_changed_meanwhile_none_is_settled(
    tesouraria: Desk, sit_down: Callable[[User], Desk], branch: Branch
) -> None:
    first, second = issue(branch), issue(branch)
    choose_titles(tesouraria, first, second)
    settle(sit_down(make_user(group=FINANCEIRO, branches=(branch,))), second)
    tesouraria.confirm()
    expect(tesouraria.page.locator(".errorlist.nonfield")).to_have_text(explain(BatchChanged(titles=[str(second)])))
    assert read(first).status == "pending"
    assert money_moved(branch) == (1, 1)
    tesouraria.confirm()
    tesouraria.told("R$ 1.000,00")
    assert read(first).status == "settled"


# What people type


def test_an_amount_is_typed_the_brazilian_way(financeiro: Desk, branch: Branch) -> None:
    for amount in ("1.234,56", "1234,56", "R$ 1.234,56"):
        title = issue(branch, "1234.56")
        financeiro.open(title, "settle")
        financeiro.fill(received=amount)
        financeiro.confirm()
        financeiro.status_is("settled")
        assert amounts_of(title) == [Decimal("1234.56")]


def test_no_odd_amount_is_taken(financeiro: Desk, branch: Branch) -> None:
    financeiro.open(issue(branch, "1234.56"), "settle")
    for amount in ("1234.56", "1,234.56", "1.23,45", "1.234,567", "mil", "12e2", "1 234,56"):
        financeiro.fill(received=amount)
        financeiro.confirm()
        financeiro.refused("received", explain(InvalidAmount(text=amount)))
        expect(financeiro.page.locator("[name=received]")).to_have_value(amount)
    for amount in ("", "0,00", "-1.234,56", "99.999.999.999.999,00"):
        financeiro.fill(received=amount)
        financeiro.confirm()
        financeiro.refused("received")
    assert money_moved(branch) == (0, 0)


def test_no_odd_day_is_taken(financeiro: Desk, branch: Branch) -> None:
    financeiro.open(issue(branch), "settle")
    for field in ("received_on", "cash_date"):
        for day in ("", "31/02/2026", "11/22/2026", "ontem", "1/1/0001"):
            financeiro.fill(**{field: day})
            financeiro.confirm()
            financeiro.refused(field)
        financeiro.fill(**{field: typed(today())})
    financeiro.fill(received_on=typed(today() + timedelta(days=1)))
    financeiro.confirm()
    financeiro.refused("received_on")
    assert money_moved(branch) == (0, 0)


def test_no_short_or_empty_reason_is_taken(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle(financeiro, title)
    financeiro.press("reverse")
    for reason in ("", "engano", " " * 40):
        financeiro.fill(reason=reason)
        financeiro.confirm()
        financeiro.refused("reason")
    assert not is_reversed(title)


def test_an_odd_debit_of_the_dialogue_is_told_in_place(tesouraria: Desk, branch: Branch, closed: Title) -> None:
    ask_to_reverse(tesouraria, closed)
    choose(tesouraria, branch, "account_debit")
    fill_debit(tesouraria, branch, amount="1000.00")
    tesouraria.confirm()
    tesouraria.refused("amount", explain(InvalidAmount(text="1000.00")))
    expect(tesouraria.page.locator("[value=account_debit]")).to_be_checked()
    assert not is_reversed(closed)


# A second click


def test_a_double_click_settles_once(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle")
    financeiro.page.locator("[name=_confirm]").dblclick()
    financeiro.status_is("settled")
    assert amounts_of(title) == [Decimal("1000.00")]


def test_a_double_click_receives_one_part(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle-part")
    financeiro.fill(received="100,00")
    financeiro.page.locator("[name=_confirm]").dblclick()
    expect(financeiro.page.locator(".messagelist .success, .errorlist.nonfield")).to_be_visible()
    assert amounts_of(title) == [Decimal("100.00")]


def test_a_double_click_reverses_once(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle(financeiro, title)
    financeiro.press("reverse")
    financeiro.fill(reason=REASON)
    financeiro.page.locator("[name=_confirm]").dblclick()
    financeiro.status_is("pending")
    assert amounts_of(title) == [Decimal("1000.00"), Decimal("-1000.00")]


def test_a_form_left_open_in_another_tab_receives_nothing_more(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle-part")
    financeiro.fill(received="100,00")
    with financeiro.another_tab():
        settle_part(financeiro, title, "300,00")
    financeiro.confirm()
    expect(financeiro.page.locator(".errorlist.nonfield")).to_have_text(explain(ChangedMeanwhile(what=str(title))))
    assert amounts_of(title) == [Decimal("300.00")]


def test_going_back_shows_what_is_open_now(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle_part(financeiro, title, "100,00")
    financeiro.page.go_back()
    expect(financeiro.page.locator("[name=received]")).to_have_value("900,00")


# Who may not


def test_without_the_permission_there_is_no_button_and_a_post_is_403(suporte: Desk, branch: Branch) -> None:
    title = issue(branch)
    suporte.open(title)
    suporte.status_is("pending")
    expect(suporte.page.locator(".object-tools .act")).to_have_count(0)
    expect(suporte.page.locator("[name=_save]")).to_have_count(0)
    token = next(cookie["value"] for cookie in suporte.context.cookies() if cookie["name"] == "csrftoken")
    for move in ("settle", "settle-part", "reverse", "cancel"):
        answer = suporte.context.request.post(
            suporte.server + address(title, move), form={"csrfmiddlewaretoken": token, "received": "1.000,00"}
        )
        assert answer.status == 403
        assert said("Not permitted") in answer.text()
    assert money_moved(branch) == (0, 0)


def test_a_permission_taken_while_the_form_is_open_counts(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle")
    financeiro.user.groups.remove(Group.objects.get(name=FINANCEIRO))
    financeiro.may_be_refused = True
    financeiro.confirm()
    expect(financeiro.page.get_by_role("heading", name=said("Not permitted"))).to_be_visible()
    assert money_moved(branch) == (0, 0)


# Cash and banks by hand


def test_a_movement_is_recorded_by_hand_and_reversed(tesouraria: Desk, branch: Branch) -> None:
    account = cash_account(branch)
    usual = branch.payment_methods.get(method__code=PaymentMethod.CASH)
    tesouraria.open_list(CashMovement)
    tesouraria.page.locator(".object-tools .addlink").click()
    tesouraria.fill(
        account=str(account.pk), amount="1.234,56", history_code=str(usual.debit_history_id),
        document_type=str(usual.document_type_id), notes="Tarifa do banco",
    )  # fmt: skip
    tesouraria.page.locator("[name=_save]").click()
    expect(tesouraria.page.locator(".messagelist .success")).to_be_visible()
    movement = CashMovement.objects.get(account=account)
    assert movement.amount == Decimal("-1234.56")

    tesouraria.open(movement)
    tesouraria.press("reverse")
    credit = HistoryCode.objects.filter(direction=Direction.CREDIT).first()
    assert credit is not None
    tesouraria.fill(history_code=str(credit.pk), reason=REASON)
    tesouraria.confirm()
    tesouraria.status_is("reversed")
    expect(tesouraria.table("Reversal").locator("td.number")).to_have_text("1.234,56")
    assert CashMovement.objects.filter(account=account).balance() == 0
