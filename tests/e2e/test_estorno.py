"""Estornar as a treasurer does it, one journey for each row of the table of reversals (C1-C12), and what goes wrong.

C3 cannot be reached through any page (G.1): tests/services/test_reversal.py says so. Books and signatures: conftest.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Route, expect

from receivables.admin.explain import explain, reais, written
from receivables.domain.errors import AlreadyReversed, InvalidAmount, NothingReceived, TitleNotSettled
from receivables.models import (
    Actor,
    Branch,
    CashMovement,
    ClosedCashReversal,
    LedgerAccount,
    ParameterSet,
    PaymentMethod,
    Reversal,
    ReversalKind,
    Title,
)
from receivables.services.cash_day import close_day, reopen_day
from receivables.services.groups import FINANCEIRO, TESOURARIA
from receivables.services.settlement import settle_installment, settle_title
from tests.e2e.desk import Desk, address, said, today
from tests.make import REASON, cash_account, deposit, make_branch, make_parameter_set, make_title, make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

THOUSAND = Decimal("1000.00")


@pytest.fixture
def yesterday() -> date:
    return today() - timedelta(days=1)


@pytest.fixture
def account(branch: Branch) -> LedgerAccount:
    return cash_account(branch)


@pytest.fixture
def pending(branch: Branch) -> Title:
    return make_title(branch=branch, due_dates=(today(),), issued_on=today() - timedelta(days=60))


@pytest.fixture
def settled(pending: Title, yesterday: date) -> Title:
    """A title settled yesterday, whose cash is open."""
    settle_title(
        title_id=pending.pk, received=pending.amount, received_on=yesterday, deposit=deposit(on=yesterday), **moment()
    )
    return read(pending)


@pytest.fixture
def closed(settled: Title, account: LedgerAccount, yesterday: date) -> Title:
    """A title settled yesterday, whose cash was closed afterwards."""
    close(account, yesterday)
    return settled


def moment() -> dict[str, object]:
    return {"by": Actor.person(make_user(username=f"colega{User.objects.count()}")), "now": timezone.now(),
            "on": today()}  # fmt: skip


def close(account: LedgerAccount, day: date) -> None:
    close_day(account_id=account.pk, day=day, **moment())


def receive_part(title: Title, amount: str) -> None:
    settle_installment(
        installment_id=title.installments.get().pk, received=Decimal(amount), received_on=today(), deposit=deposit(),
        **moment(),
    )  # fmt: skip


def read(title: Title) -> Title:
    return Title.objects.get(pk=title.pk)


def lines_of(title: Title) -> list[tuple[date, Decimal, str]]:
    rows = CashMovement.objects.filter(title=title).order_by("pk")
    return list(rows.values_list("cash_date", "amount", "status"))


def assert_nothing_happened(title: Title) -> None:
    assert not Reversal.objects.filter(title=title).exists()
    assert (read(title).status, read(title).version) == (title.status, title.version)
    assert len(lines_of(title)) <= 1


def estornar(desk: Desk, title: Title) -> None:
    """Go to the title and press Estornar beside Data do Recebimento (S5)."""
    desk.open(title)
    desk.page.locator(".field-received_on .beside-date").click()
    expect(desk.page.locator("#changes")).to_be_visible()


def will_be(desk: Desk, *texts: str) -> None:
    """Expect the right-hand column of before and after to say these texts."""
    for text in texts:
        expect(desk.page.locator("#changes .changed td:last-child").filter(has_text=text).first).to_be_visible()


def first_debit(desk: Desk, *, amount: str = "") -> None:
    """Sim, Débito em Conta, and Confirmar of what is proposed."""
    desk.say("yes")
    desk.say("account_debit")
    if amount:
        desk.debit(amount=amount)
    desk.say("confirm")


def told_in_history(desk: Desk, title: Title, *texts: str) -> None:
    """Expect the title's history to name the person and the reason."""
    desk.open(title, "history")
    for text in (desk.user.username, *texts):
        expect(desk.page.locator("main")).to_contain_text(text)


# C1-C5: nothing to ask


def test_c1_a_pending_title_has_no_button_and_its_page_says_where_to_go(financeiro: Desk, pending: Title) -> None:
    financeiro.open(pending)
    expect(financeiro.button("reverse")).to_have_count(0)
    expect(financeiro.page.locator(".beside-date")).to_have_count(0)
    financeiro.open(pending, "reverse")
    expected = NothingReceived(title=str(pending), status=pending.get_status_display())
    financeiro.told(explain(expected), kind="error")
    expect(financeiro.button("settle")).to_be_visible()
    assert_nothing_happened(pending)


def test_c2_a_title_settled_in_part_leads_to_its_parts(financeiro: Desk, pending: Title) -> None:
    receive_part(pending, "300.00")
    title = read(pending)
    financeiro.open(title)
    expect(financeiro.page.locator(".beside-date")).to_have_count(0)
    financeiro.open(title, "reverse")
    financeiro.told(explain(TitleNotSettled(title=str(title), status=title.get_status_display())), kind="error")
    assert_nothing_happened(title)

    financeiro.press("reverse-part")
    will_be(financeiro, reais(THOUSAND), said("Pending receipt"))
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.status_is("pending")
    told_in_history(financeiro, title, REASON)


@pytest.fixture
def free_branch() -> Branch:
    """A branch whose cash is not controlled."""
    return make_branch(parameter_set=make_parameter_set(cash_closing_control=False))


def test_c4_with_the_control_off_a_closed_day_takes_the_opposite_without_a_question(
    sit_down: Callable[..., Desk], free_branch: Branch, yesterday: date
) -> None:
    desk = sit_down(make_user(group=FINANCEIRO, branches=(free_branch,)))
    title = make_title(branch=free_branch, due_dates=(today(),), issued_on=today() - timedelta(days=60))
    settle_title(
        title_id=title.pk, received=title.amount, received_on=yesterday, deposit=deposit(on=yesterday), **moment()
    )
    close(cash_account(free_branch), yesterday)
    estornar(desk, title)
    expect(desk.page.locator(".ask")).to_have_count(0)
    desk.fill(reason=REASON)
    desk.confirm()
    desk.status_is("pending")
    assert lines_of(title) == [(yesterday, THOUSAND, "reversed"), (yesterday, -THOUSAND, "posted")]
    assert CashMovement.objects.get(title=title, amount__lt=0).supplement_number == 1
    assert ParameterSet.objects.get(branch=free_branch).cash_closing_control is False
    told_in_history(desk, title, REASON)


def test_c5_with_the_cash_open_before_and_after_are_seen_and_gravar_does_it(
    financeiro: Desk, settled: Title, yesterday: date
) -> None:
    estornar(financeiro, settled)
    expect(financeiro.page.locator(".ask")).to_have_count(0)
    will_be(financeiro, said("Pending receipt"), reais(THOUSAND), reais(-THOUSAND), reais(Decimal("0.00")))
    assert_nothing_happened(settled)
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.status_is("pending")
    financeiro.shows("received_on", "—")
    assert lines_of(settled) == [(yesterday, THOUSAND, "reversed"), (yesterday, -THOUSAND, "posted")]
    told_in_history(financeiro, settled, REASON)


# C6-C12: the cash is closed


def test_c6_nao_leaves_everything_as_it_was(
    tesouraria: Desk, closed: Title, account: LedgerAccount, yesterday: date
) -> None:
    estornar(tesouraria, closed)
    question = said("The cash of account %(account)s is closed on %(day)s. Reverse all the same?")
    expect(tesouraria.page.locator(".ask h2")).to_have_text(question % {"account": account, "day": written(yesterday)})
    expect(tesouraria.page.locator("[name=_confirm]")).to_have_count(0)
    tesouraria.page.locator(".ask").get_by_role("link", name=said("No"), exact=True).click()
    tesouraria.status_is("settled")
    assert_nothing_happened(closed)


def test_c7_one_debit_by_the_keyboard_alone(
    tesouraria: Desk, closed: Title, account: LedgerAccount, branch: Branch, yesterday: date
) -> None:
    estornar(tesouraria, closed)
    keyboard = tesouraria.page.keyboard
    expect(tesouraria.stage("yes")).to_be_focused()
    keyboard.press("Enter")
    expect(tesouraria.stage("account_debit")).to_be_focused()
    keyboard.press("Enter")
    for name in ("movement_date", "history_code", "document_type", "amount", "notes"):
        expect(tesouraria.debit_field(name)).to_be_focused()
        if name == "notes":
            keyboard.type("Devolvido por TED")
        keyboard.press("Enter")
    expect(tesouraria.stage("enough")).to_be_focused()
    keyboard.press("Enter")
    expect(tesouraria.page.locator("[name=reason]")).to_be_focused()
    keyboard.type(REASON)
    keyboard.press("Enter")
    expect(tesouraria.page.locator("[name=step_up]")).to_be_focused()
    keyboard.type("secret")
    keyboard.press("Enter")
    gravar = tesouraria.page.locator("[name=_confirm]")
    expect(gravar).to_be_focused()
    expect(gravar).to_contain_text("1")
    assert_nothing_happened(closed)
    keyboard.press("Enter")
    tesouraria.status_is("pending")

    assert lines_of(closed) == [(yesterday, THOUSAND, "posted"), (today(), -THOUSAND, "posted")]
    debit = CashMovement.objects.get(title=closed, amount__lt=0)
    usual = branch.payment_methods.get(method__code=PaymentMethod.CASH)
    assert (debit.account, debit.notes) == (account, "Devolvido por TED")
    assert (debit.history_code, debit.document_type) == (usual.debit_history, usual.document_type)
    assert ClosedCashReversal.objects.get(reversal__title=closed).known_difference == 0
    told_in_history(tesouraria, closed, REASON)


def test_c8_several_debits_one_given_up_and_the_difference_known(
    tesouraria: Desk, closed: Title, yesterday: date
) -> None:
    estornar(tesouraria, closed)
    tesouraria.say("yes")
    tesouraria.say("account_debit")
    tesouraria.debit(amount="990,00")
    warning = tesouraria.page.locator(".warning")
    expect(warning).to_contain_text(reais(Decimal("10.00")))
    will_be(tesouraria, reais(Decimal("10.00")))
    tesouraria.say("confirm")
    for amount in ("7,00", "4,50"):
        tesouraria.say("more")
        tesouraria.debit(amount=amount, notes=f"Juros de {amount}")
        tesouraria.say("confirm")
    tesouraria.say("drop:1")
    expect(tesouraria.page.locator(".debits tbody tr")).to_have_count(2)
    expect(tesouraria.stage("drop:0")).to_have_count(0)
    expect(warning).to_contain_text(reais(Decimal("5.50")))
    tesouraria.say("enough")
    tesouraria.fill(reason=REASON, step_up="secret")
    expect(tesouraria.page.locator("[name=_confirm]")).to_contain_text("2")
    tesouraria.confirm()
    tesouraria.refused("confirmed")
    assert_nothing_happened(closed)
    tesouraria.page.locator("[name=confirmed]").check()
    tesouraria.confirm()
    tesouraria.status_is("pending")
    assert lines_of(closed) == [
        (yesterday, THOUSAND, "posted"), (today(), Decimal("-990.00"), "posted"), (today(), Decimal("-4.50"), "posted")
    ]  # fmt: skip
    assert ClosedCashReversal.objects.get(reversal__title=closed).known_difference == Decimal("10.00")
    told_in_history(tesouraria, closed, REASON)


def test_c9_cancelar_on_top_drops_the_debits_and_the_reversal(tesouraria: Desk, closed: Title) -> None:
    estornar(tesouraria, closed)
    first_debit(tesouraria)
    tesouraria.fill(reason=REASON)
    tesouraria.page.locator(".record-acts .closelink").click()
    tesouraria.status_is("settled")
    assert_nothing_happened(closed)
    estornar(tesouraria, closed)
    expect(tesouraria.stage("yes")).to_be_visible()


def test_c10_without_debit_the_difference_stays_and_observacao_says_so(
    gerencia: Desk, closed: Title, yesterday: date
) -> None:
    estornar(gerencia, closed)
    gerencia.say("yes")
    gerencia.say("no_debit")
    gerencia.say("confirm")
    gerencia.refused("reason")
    gerencia.fill(reason=REASON)
    gerencia.say("confirm")
    will_be(gerencia, reais(THOUSAND))
    gerencia.fill(step_up="secret")
    gerencia.confirm()
    gerencia.status_is("pending")
    reversal = Reversal.objects.get(title=closed)
    assert reversal.kind == ReversalKind.CLOSED_NO_DEBIT
    assert reversal.closed_cash.get().known_difference == THOUSAND
    assert lines_of(closed) == [(yesterday, THOUSAND, "posted")]
    assert REASON in read(closed).notes
    told_in_history(gerencia, closed, REASON)


def test_c11_cancelar_gives_a_reversal_without_debit_up(gerencia: Desk, closed: Title) -> None:
    estornar(gerencia, closed)
    gerencia.say("yes")
    gerencia.say("no_debit")
    gerencia.fill(reason=REASON)
    gerencia.say("confirm")
    gerencia.page.locator(".record-acts .closelink").click()
    gerencia.status_is("settled")
    assert read(closed).notes == ""
    assert_nothing_happened(closed)


def test_c12_a_window_closed_after_confirmar_leaves_nothing(
    gerencia: Desk, sit_down: Callable[..., Desk], closed: Title, branch: Branch
) -> None:
    with gerencia.another_tab():
        estornar(gerencia, closed)
        first_debit(gerencia)
        gerencia.fill(reason=REASON)
        expect(gerencia.page.locator("[name=_confirm]")).to_be_visible()
    assert_nothing_happened(closed)
    colleague = sit_down(make_user(group=TESOURARIA, branches=(branch,)))
    estornar(colleague, closed)
    expect(colleague.stage("yes")).to_be_visible()


def test_without_scripts_the_same_pages_do_it(
    sit_down: Callable[..., Desk], branch: Branch, closed: Title, yesterday: date
) -> None:
    desk = sit_down(make_user(group=TESOURARIA, branches=(branch,)), java_script_enabled=False)
    estornar(desk, closed)
    first_debit(desk, amount="995,00")
    desk.say("more")
    desk.debit_field("amount").fill("5,00")
    desk.debit_field("amount").press("Enter")
    desk.say("enough")
    desk.fill(reason=REASON, step_up="secret")
    desk.confirm()
    desk.status_is("pending")
    assert [amount for _day, amount, _status in lines_of(closed)] == [THOUSAND, Decimal("-995.00"), Decimal("-5.00")]


def test_esc_gives_up_one_thing_at_a_time(tesouraria: Desk, closed: Title) -> None:
    estornar(tesouraria, closed)
    first_debit(tesouraria)
    tesouraria.say("more")
    expect(tesouraria.debit_field("movement_date")).to_be_focused()
    tesouraria.page.keyboard.press("Escape")
    expect(tesouraria.page.locator(".debits tbody tr")).to_have_count(1)
    expect(tesouraria.stage("enough")).to_be_focused()
    tesouraria.page.keyboard.press("Escape")
    expect(tesouraria.page.locator(".record-acts .closelink")).to_be_focused()
    tesouraria.page.keyboard.press("Enter")
    tesouraria.status_is("settled")
    assert_nothing_happened(closed)


def test_an_odd_debit_is_told_in_its_place(tesouraria: Desk, closed: Title) -> None:
    estornar(tesouraria, closed)
    first_debit(tesouraria, amount="1000.00")
    expect(tesouraria.page.locator(".entry .field-amount .errorlist")).to_have_text(
        explain(InvalidAmount(text="1000.00"))
    )
    expect(tesouraria.debit_field("amount")).to_be_focused()
    assert_nothing_happened(closed)


# What goes wrong between Confirmar and Gravar


def test_of_two_people_at_one_title_the_later_is_told_who_was_first(
    financeiro: Desk, sit_down: Callable[..., Desk], settled: Title, branch: Branch
) -> None:
    estornar(financeiro, settled)
    financeiro.fill(reason=REASON)
    colleague = sit_down(make_user(group=FINANCEIRO, branches=(branch,)))
    estornar(colleague, settled)
    colleague.fill(reason="Boleto devolvido pelo banco")
    colleague.confirm()
    colleague.status_is("pending")

    financeiro.confirm()
    reversal = Reversal.objects.get(title=settled)
    when = written(timezone.localtime(reversal.posted_at))
    first = f"{reversal.receipt} ({colleague.user.username}, {when}: {reversal.reason})"
    financeiro.told(explain(AlreadyReversed(what=first)), kind="error")
    financeiro.status_is("pending")
    assert len(lines_of(settled)) == 2


def test_a_session_lost_after_confirmar_asks_to_log_in_and_nothing_happened(tesouraria: Desk, closed: Title) -> None:
    estornar(tesouraria, closed)
    first_debit(tesouraria)
    tesouraria.fill(reason=REASON, step_up="secret")
    tesouraria.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    tesouraria.confirm()
    tesouraria.page.locator("[name=password]").fill("secret")
    assert_nothing_happened(closed)
    tesouraria.page.locator("[name=username]").fill(tesouraria.user.username)
    tesouraria.page.locator("[type=submit]").click()
    expect(tesouraria.stage("yes")).to_be_visible()
    assert_nothing_happened(closed)


def test_a_session_lost_before_a_step_asks_to_log_in(tesouraria: Desk, closed: Title) -> None:
    estornar(tesouraria, closed)
    tesouraria.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    tesouraria.say("yes")
    expect(tesouraria.page.locator("[name=password]")).to_be_visible()
    assert_nothing_happened(closed)


def test_a_day_closed_before_gravar_is_told_and_opens_the_question(
    tesouraria: Desk, settled: Title, account: LedgerAccount, yesterday: date
) -> None:
    estornar(tesouraria, settled)
    tesouraria.fill(reason=REASON)
    close(account, yesterday)
    tesouraria.confirm()
    expect(tesouraria.page.locator(".errorlist.nonfield")).to_contain_text(f"{account}")
    expect(tesouraria.stage("yes")).to_be_visible()
    assert_nothing_happened(settled)
    first_debit(tesouraria)
    expect(tesouraria.page.locator("[name=reason]")).to_have_value(REASON)
    tesouraria.fill(step_up="secret")
    tesouraria.confirm()
    tesouraria.status_is("pending")
    assert lines_of(settled) == [(yesterday, THOUSAND, "posted"), (today(), -THOUSAND, "posted")]


def test_a_day_reopened_before_gravar_is_told_and_shows_the_opposite(
    tesouraria: Desk, closed: Title, account: LedgerAccount, yesterday: date
) -> None:
    estornar(tesouraria, closed)
    first_debit(tesouraria)
    tesouraria.fill(reason=REASON, step_up="secret")
    why = "Conferência do malote do banco"
    reopening = moment() | {"reason": why}
    reopening.pop("on")
    reopen_day(account_id=account.pk, day=yesterday, **reopening)
    tesouraria.confirm()
    expect(tesouraria.page.locator(".errorlist.nonfield")).to_contain_text(why)
    expect(tesouraria.page.locator(".ask")).to_have_count(0)
    assert_nothing_happened(closed)
    tesouraria.confirm()
    tesouraria.status_is("pending")
    assert lines_of(closed) == [(yesterday, THOUSAND, "reversed"), (yesterday, -THOUSAND, "posted")]


# Who may not


def test_without_the_permission_there_is_no_button_and_a_post_is_403(suporte: Desk, settled: Title) -> None:
    suporte.open(settled)
    expect(suporte.button("reverse")).to_have_count(0)
    expect(suporte.page.locator(".beside-date")).to_have_count(0)
    token = next(cookie["value"] for cookie in suporte.context.cookies() if cookie["name"] == "csrftoken")
    answer = suporte.context.request.post(
        suporte.server + address(settled, "reverse"), form={"csrfmiddlewaretoken": token, "reason": REASON}
    )
    assert (answer.status, said("Not permitted") in answer.text()) == (403, True)
    assert_nothing_happened(settled)


def test_who_may_not_reverse_with_the_cash_closed_is_told_so(financeiro: Desk, closed: Title) -> None:
    financeiro.may_be_refused = True
    financeiro.open(closed)
    financeiro.press("reverse")
    expect(financeiro.page.get_by_role("heading", name=said("Not permitted"))).to_be_visible()
    assert_nothing_happened(closed)


# A second click, an old page


def test_a_second_click_finds_the_button_disabled_and_posts_nothing_more(tesouraria: Desk, closed: Title) -> None:
    estornar(tesouraria, closed)
    first_debit(tesouraria)
    tesouraria.fill(reason=REASON, step_up="secret")
    gravar = tesouraria.page.locator("[name=_confirm]")
    sent: list[str] = []
    # What is typed asks the server what it will do; only the form itself leads to another page.
    tesouraria.context.on("request", lambda request: request.is_navigation_request() and sent.append(request.method))
    gravar.dblclick()
    tesouraria.status_is("pending")
    assert sent.count("POST") == 1
    assert [amount for _day, amount, _status in lines_of(closed)] == [THOUSAND, -THOUSAND]


def test_a_form_that_was_refused_or_come_back_to_can_be_sent_again(financeiro: Desk, settled: Title) -> None:
    estornar(financeiro, settled)
    financeiro.fill(reason="curto")
    financeiro.confirm()
    financeiro.refused("reason")
    gravar = financeiro.page.locator("[name=_confirm]")
    expect(gravar).to_be_enabled()
    financeiro.page.locator(".record-acts .closelink").click()
    financeiro.status_is("settled")
    estornar(financeiro, settled)
    financeiro.page.go_back()
    financeiro.page.go_forward()
    expect(gravar).to_be_enabled()
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.status_is("pending")


@pytest.mark.parametrize("when", ["a step", "gravar"])
def test_an_expired_token_is_answered_with_a_page_that_says_what_to_do(
    tesouraria: Desk, closed: Title, when: str
) -> None:
    estornar(tesouraria, closed)
    if when == "gravar":
        first_debit(tesouraria)
        tesouraria.fill(reason=REASON, step_up="secret")
    tesouraria.may_be_refused = True
    tesouraria.context.clear_cookies(name="csrftoken")
    if when == "gravar":
        tesouraria.confirm()
    else:
        tesouraria.say("yes")
    expect(tesouraria.page.get_by_role("heading", name=said("This page is out of date"))).to_be_visible()
    assert_nothing_happened(closed)


def test_what_is_saved_is_what_the_step_on_its_way_leaves(tesouraria: Desk, closed: Title) -> None:
    """F2 while a debit is being given up: it was shown still, and would have been posted."""
    estornar(tesouraria, closed)
    for verb in ("yes", "account_debit", "confirm", "more"):
        tesouraria.say(verb)
    tesouraria.debit(amount="7,00", notes="Juros")
    tesouraria.say("confirm")
    tesouraria.say("enough")
    tesouraria.fill(reason=REASON, step_up="secret")
    tesouraria.page.locator("[name=confirmed]").check()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tesouraria.page.route("**/reverse/", hold, times=1)
    tesouraria.stage("drop:1").click()
    expect(tesouraria.page.locator("#staged[aria-busy=true]")).to_have_count(1)
    tesouraria.page.keyboard.press("F2")
    held[0].continue_()
    expect(tesouraria.page.locator("#staged[aria-busy]")).to_have_count(0)
    assert_nothing_happened(closed)
