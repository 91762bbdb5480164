"""What changes while a screen is being looked at: another window, a download, the office; nothing wrong is recorded."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from pos_sync.models import TillOperator
from receivables.models import Branch, Installment
from receivables.services.settlement import settle_title
from tests.e2e.till.conftest import bodies
from tests.e2e.till.counter import OPERATOR, PIN, Counter
from tests.make import CASHIER, deposit, make_customer, make_title
from tests.pos_sync.door import pairing_code

pytestmark = pytest.mark.browser

Ready = Callable[..., Counter]
CHANGED = "Outra janela deste caixa registrou algo agora."


def second_window(counter: Counter) -> Page:
    """Open another window of the till, signed in and connected; the counter stays at it."""
    counter.page = counter.context.new_page()
    counter.go()
    counter.sign_in(OPERATOR, PIN)
    expect(counter.bar).to_contain_text("Conectado", timeout=30_000)
    return counter.page


def look_at(counter: Counter, page: Page) -> None:
    counter.page = page
    page.bring_to_front()


def offer(counter: Counter, *codes: str) -> None:
    """Let a download bring these means of payment, in this order."""
    methods = [
        {"code": code, "name": code.title(), "offline": True, "gives_change": code == "cash", "needs_reference": False}
        for code in codes
    ]
    counter.amend("reference", {"payment_methods": methods})
    counter.page.evaluate("""() => {
        const channel = new BroadcastChannel("quita-till");
        channel.postMessage({ name: "rows" });
        channel.close();
    }""")
    expect(counter.page.get_by_role("option")).to_have_count(len(codes))


def test_the_means_that_was_chosen_is_recorded_wherever_a_download_puts_it(counter: Counter, branch: Branch) -> None:
    counter.press("F10")
    counter.choose("maria")
    with counter.held("**/api/pos/v1/changes*"):
        counter.press(" ", "F3")
        counter.on("Meio de pagamento")
        offer(counter, "cash", "pix")
        counter.choose_method("Pix")
        counter.press("Enter", "Enter")
        offer(counter, "cash")
        counter.press("Enter")
        counter.reads("Este meio não vale mais. Escolha outro.")
        offer(counter, "outros", "cash", "pix")
        expect(counter.page.locator("[role=option][aria-selected=true]")).to_have_text("Pix")
        counter.page.get_by_role("button", name="Lançar meio de pagamento").click()
        counter.on("Parcela recebida")
    counter.delivers()
    [body] = bodies(branch, "receipt")
    assert [each["method"] for each in body["tenders"]] == ["pix"]


def test_a_drawer_that_another_window_opened_is_not_opened_again(
    counters: Callable[..., Counter], branch: Branch, operator: TillOperator
) -> None:
    counter = counters()
    counter.pair(pairing_code(branch))
    counter.sign_in(OPERATOR, PIN)
    first = counter.page
    second = second_window(counter)
    counter.press("F2")
    counter.on("Abrir caixa")
    look_at(counter, first)
    counter.open_drawer("100,00")
    counter.delivers()
    look_at(counter, second)
    counter.type("80,00")
    counter.reads(CHANGED)
    counter.press("Escape")
    counter.on("Caixa aberto")
    assert [each["float_cents"] for each in bodies(branch, "session_open")] == [10000]


def test_a_closing_is_set_against_what_the_drawer_should_hold_as_it_is_kept(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    first = counter.page
    second = second_window(counter)
    look_at(counter, first)
    counter.press("F12", "F4")
    counter.type("250,00")
    counter.reads("150,00")
    look_at(counter, second)
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F3")
    counter.on("Meio de pagamento")
    counter.choose_method("Pix")
    counter.press("Enter", "Enter", "Enter")
    counter.on("Parcela recebida")
    counter.delivers()
    look_at(counter, first)
    counter.press("Enter")
    counter.reads(CHANGED)
    expect(counter.page.get_by_label("Cash")).to_have_value("250,00")
    counter.type("100,00")
    counter.type("150,00")
    counter.reads("150,00150,000,00")
    counter.press("Enter")
    counter.on("Entrar no caixa")
    counter.delivers()
    [body] = bodies(branch, "session_close")
    assert {each["method"]: each["amount_cents"] for each in body["counted"]} == {"cash": 10000, "pix": 15000}


def write_slowly(counter: Counter) -> None:
    """Keep what the till writes waiting for a moment, as a slow disk does."""
    counter.page.evaluate("""() => new Promise((resolve) => {
        const asked = indexedDB.open("quita-till");
        asked.onsuccess = () => {
            const store = asked.result.transaction("meta", "readwrite").objectStore("meta");
            const until = performance.now() + 1500;
            const again = () => {
                if (performance.now() < until) store.get("device").onsuccess = again;
                else asked.result.close();
            };
            again();
            resolve();
        };
    })""")


def enter_what_is_due(counter: Counter) -> None:
    """Up to the key that records the receipt."""
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F3")
    counter.on("Meio de pagamento")
    counter.press("Enter", "Enter")


def test_a_receipt_that_is_being_written_is_not_left(counter: Counter, branch: Branch) -> None:
    enter_what_is_due(counter)
    write_slowly(counter)
    counter.press("Enter", "Escape")
    counter.on("Meio de pagamento")
    expect(counter.page.get_by_role("button", name="Voltar")).to_be_disabled()
    counter.on("Parcela recebida")
    counter.delivers()
    assert len(bodies(branch, "receipt")) == 1


def test_a_receipt_that_is_being_written_is_not_left_by_the_bar(counter: Counter, branch: Branch) -> None:
    enter_what_is_due(counter)
    write_slowly(counter)
    counter.press("Enter")
    counter.bar.get_by_role("button", name="Nada pendente").click(force=True)
    counter.on("Meio de pagamento")
    expect(counter.bar.get_by_role("button", name="Nada pendente")).to_be_disabled()
    counter.on("Parcela recebida")
    counter.delivers()
    assert len(bodies(branch, "receipt")) == 1
    counter.bar.get_by_role("button", name="Nada pendente").click()
    counter.on("Pendências")


def test_a_suprimento_that_is_being_written_is_not_left(counter: Counter) -> None:
    counter.press("F12", "F6")
    counter.type("30,00")
    write_slowly(counter)
    counter.type("Troco do cofre")
    counter.press("Escape")
    counter.on("Suprimento")
    counter.on("Caixa aberto")
    counter.delivers()


def test_the_cursor_stays_on_its_installment_whatever_goes_before_it(ready: Ready, branch: Branch) -> None:
    today = timezone.localdate()
    title = make_title(
        branch=branch, amounts=("100.00", "200.00"), due_dates=(today + timedelta(1), today + timedelta(2)),
        issued_on=today - timedelta(60), bill_to=make_customer(name=f"Zilda {branch.code}"),
    )  # fmt: skip
    gone = owed_by(title.bill_to, branch, days=0)
    counter = ready()
    counter.press("F10")
    counter.choose("zilda")
    rows = counter.page.locator("tbody tr")
    expect(rows).to_have_count(3)
    counter.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    settle_title(
        title_id=gone.title_id, received=gone.amount, received_on=today, deposit=deposit(on=today), by=CASHIER,
        now=timezone.now(), on=today,
    )  # fmt: skip
    expect(rows).to_have_count(2, timeout=30_000)
    counter.press(" ")
    expect(counter.page.locator("tr.ticked")).to_contain_text("100,00")
    expect(counter.page.locator("tr.ticked")).to_be_focused()


def owed_by(customer: Any, branch: Branch, *, days: int) -> Installment:
    today = timezone.localdate()
    title = make_title(
        branch=branch, amounts=("50.00",), due_dates=(today + timedelta(days),), issued_on=today - timedelta(60),
        bill_to=customer,
    )  # fmt: skip
    return title.installments.get()


def test_nothing_enters_a_drawer_that_another_window_closed(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    first = counter.page
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F3")
    counter.on("Meio de pagamento")
    second = second_window(counter)
    counter.press("F12", "F6")
    counter.on("Suprimento")
    second_window(counter)
    counter.press("F12", "F4")
    counter.type("100,00")
    counter.press("Enter")
    counter.on("Entrar no caixa")
    counter.delivers()
    look_at(counter, first)
    counter.press("Enter", "Enter", "Enter")
    counter.reads("O caixa foi fechado em outra janela.")
    expect(counter.page.get_by_role("button", name="Voltar")).to_be_focused()
    look_at(counter, second)
    counter.type("30,00")
    counter.type("Troco do cofre")
    counter.reads("O caixa foi fechado em outra janela.")
    assert bodies(branch, "receipt") == bodies(branch, "cash_in") == []


def test_a_full_device_keeps_no_cancelling_and_says_so(counter: Counter, branch: Branch) -> None:
    counter.press("F10")
    counter.receive_in_cash("maria")
    counter.delivers()
    counter.press("Escape", "F12", "F8", "Delete")
    counter.page.evaluate(
        """() => { IDBObjectStore.prototype.add = () => { throw new DOMException("full", "QuotaExceededError") } }"""
    )
    counter.type("Cliente desistiu do pagamento")
    counter.reads("Não há espaço neste aparelho para guardar isto. Nada foi gravado")
    assert bodies(branch, "receipt_void") == []


def test_an_amount_with_a_point_for_a_comma_is_told_how_to_be_written(counter: Counter) -> None:
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F3")
    counter.on("Meio de pagamento")
    counter.press("Enter")
    counter.type("150.00")
    counter.press("Enter")
    counter.reads("Digite um valor como 1.234,56.")
    expect(counter.page.get_by_label("Valor entregue")).to_be_focused()


def test_the_discount_of_a_part_goes_no_further_than_its_money_and_the_rest_is_told(
    ready: Ready, branch: Branch
) -> None:
    today = timezone.localdate()
    title = make_title(
        branch=branch, amounts=("1000.00", "1000.00"), due_dates=(today - timedelta(80), today - timedelta(60)),
        issued_on=today - timedelta(90), bill_to=make_customer(name=f"Zilda {branch.code}"),
    )  # fmt: skip
    counter = ready()
    counter.press("F10")
    counter.choose("zilda")
    counter.press("*", "F7")
    counter.type("100,00")
    counter.reads("Desconto 100,00")
    counter.press("F6")
    counter.type("500,00")
    counter.reads("Do desconto de R$ 100,00 só cabem R$ 50,00")
    counter.reads("Desconto 50,00")
    counter.press("F3")
    counter.on("Meio de pagamento")
    counter.reads("1 parcela marcada · Desconto 50,00")
    counter.press("Enter", "Enter", "Enter")
    counter.on("Parcela recebida")
    counter.delivers()
    first, second = title.installments.order_by("due_date")
    assert (second.balance, second.fine_charged, second.carried_charges) == (Decimal(1000), False, Decimal(0))
    assert first.status == "partially_settled"
    [body] = bodies(branch, "receipt")
    [line] = body["lines"]
    assert (line["discount_cents"], line["installment_id"]) == (5000, str(first.pk))
    assert line["principal_cents"] + line["interest_cents"] + line["fine_cents"] == 50000
