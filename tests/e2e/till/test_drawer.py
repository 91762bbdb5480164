"""Session and means of payment: parts, discounts, several means, change, suprimento, sangria, closing, reprint."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from pos_sync.models import Operation
from receivables.models import SYSTEM, Branch, Installment, Receipt
from tests.e2e.till.conftest import bodies, owed
from tests.e2e.till.counter import OPERATOR, PIN, Counter
from tests.make import make_city

pytestmark = pytest.mark.browser


def choose_debt(counter: Counter, name: str = "maria") -> None:
    counter.press("F10")
    counter.choose(name)
    counter.press(" ")
    counter.reads("1 parcela marcada")


def test_a_part_is_received_and_the_rest_stays_open(counter: Counter, debt: Installment) -> None:
    choose_debt(counter)
    counter.press("F6")
    counter.type("150,00")
    counter.reads("Digite um valor acima de zero e menor que o total.")
    counter.type("50,00")
    counter.press("F3", "Enter", "Enter", "Enter")
    counter.on("Parcela recebida")
    counter.press("F10")
    counter.choose("maria")
    counter.reads("100,00")
    counter.delivers()
    debt.refresh_from_db()
    assert (debt.status, debt.balance) == ("partially_settled", Decimal("100.00"))


def test_a_discount_is_granted_up_to_the_limit_of_the_terms_and_not_a_cent_above(
    counter: Counter, debt: Installment
) -> None:
    limit = debt.terms.max_discount_percent * debt.balance / 100
    choose_debt(counter)
    counter.press("F7")
    counter.type(f"{limit + Decimal('0.01'):.2f}".replace(".", ","))
    counter.reads("O desconto vai de zero a")
    counter.type(f"{limit:.2f}".replace(".", ","))
    counter.press("F3", "Enter", "Enter", "Enter")
    counter.on("Parcela recebida")
    counter.reads("Desconto")
    counter.delivers()
    debt.refresh_from_db()
    assert (debt.status, debt.balance) == ("settled", Decimal(0))
    assert Receipt.objects.get(allocations__installment=debt).amount == Decimal(150) - limit


def test_a_card_with_its_reference_and_cash_with_change_pay_together(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    choose_debt(counter)
    counter.press("F3")
    counter.on("Meio de pagamento")
    counter.choose_method("Card")
    counter.press("Enter")
    counter.type("100,01")
    counter.type("NSU 778")
    counter.press("Enter")
    counter.reads("Falta receber49,99")
    counter.choose_method("Cash")
    counter.press("Enter")
    counter.type("60,00")
    counter.reads("Troco10,01")
    counter.press("Enter")
    counter.on("Parcela recebida")
    counter.reads("Troco10,01")
    counter.delivers()
    [body] = bodies(branch, "receipt")
    assert body["tenders"] == [
        {"method": "card", "amount_cents": 10001, "tendered_cents": 10001, "change_cents": 0, "reference": "NSU 778"},
        {"method": "cash", "amount_cents": 4999, "tendered_cents": 6000, "change_cents": 1001, "reference": None},
    ]


def enter_card(counter: Counter, amount: str) -> None:
    counter.press("F3")
    counter.on("Meio de pagamento")
    counter.choose_method("Card")
    counter.press("Enter")
    counter.type(amount)
    counter.type("NSU 778")
    counter.press("Enter")
    counter.reads(f"Card {amount}")


def test_a_card_that_was_entered_stays_while_the_part_changes_and_is_named_where_it_does_not_fit(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    told = counter.page.get_by_role("alert")
    choose_debt(counter)
    enter_card(counter, "50,00")
    counter.press("Escape", "F6")
    counter.type("120,00")
    counter.reads("Já lançado, continua valendo:Card 50,00")
    counter.press("F3")
    counter.reads("Falta receber70,00")
    counter.press("Escape", "F6")
    counter.type("50,00")
    counter.press("F3")
    counter.reads("Falta receber0,00")
    counter.press("Escape", "F6")
    counter.type("30,00")
    counter.press("F3")
    counter.reads("Falta receber30,00")
    expect(told).to_contain_text("Meio retirado, nada foi gravado: Card de R$ 50,00 (NSU 778).")
    expect(told).to_contain_text("O valor a receber ficou menor que o lançado.")
    counter.press("Escape", "F6")
    counter.type("50,00")
    enter_card(counter, "20,00")
    counter.press("Escape", "F6")
    counter.type("20,00")
    counter.press("F3")
    counter.reads("Gravar recebimento")
    counter.press("Enter")
    counter.on("Parcela recebida")
    expect(told).to_have_count(0)
    counter.delivers()
    [body] = bodies(branch, "receipt")
    assert [(each["method"], each["amount_cents"]) for each in body["tenders"]] == [("card", 2000)]


def test_a_card_that_was_entered_is_named_to_whoever_comes_after_a_receipt_that_was_left(
    ready: Callable[..., Counter], branch: Branch, debt: Installment
) -> None:
    owed(branch, name=f"Zilda {branch.code}")
    counter = ready()
    told = counter.page.get_by_role("alert")
    words = "Meio retirado, nada foi gravado: Card de R$ 50,00 (NSU 778)."
    choose_debt(counter)
    enter_card(counter, "50,00")
    counter.press("Escape", "Escape")
    counter.on("Caixa aberto")
    expect(told).to_contain_text(f"{words} O recebimento não foi terminado.")
    counter.press("F12", "F3")
    expect(told).to_contain_text(words)
    counter.sign_in(OPERATOR, PIN)
    expect(told).to_contain_text(words)
    choose_debt(counter)
    expect(told).to_have_count(0)
    enter_card(counter, "50,00")
    counter.bar.get_by_role("button", name="Nada pendente").click()
    counter.on("Pendências")
    expect(told).to_contain_text(words)
    counter.press("Escape", "Escape")
    choose_debt(counter)
    enter_card(counter, "50,00")
    counter.press("Escape")
    counter.choose("maria")
    counter.reads("Já lançado, continua valendo:Card 50,00")
    expect(told).to_have_count(0)
    counter.choose("zilda")
    expect(told).to_contain_text(f"{words} O cliente mudou.")


def test_what_was_entered_stays_where_it_could_not_be_kept(counter: Counter, branch: Branch) -> None:
    choose_debt(counter)
    enter_card(counter, "50,00")
    counter.page.evaluate("""() => {
        const { add } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.add = () => { IDBObjectStore.prototype.add = add; throw new Error("disco"); };
    }""")
    counter.press("Enter")
    counter.type("120,00")
    counter.press("Enter")
    counter.reads("Nada foi gravado: disco.")
    counter.reads("Troco20,00")
    counter.press("Enter")
    counter.on("Parcela recebida")
    counter.delivers()
    [body] = bodies(branch, "receipt")
    assert [(each["method"], each["tendered_cents"]) for each in body["tenders"]] == [("card", 5000), ("cash", 12000)]


def test_a_card_never_pays_more_than_what_is_left(counter: Counter) -> None:
    choose_debt(counter)
    counter.press("F3")
    counter.on("Meio de pagamento")
    counter.choose_method("Card")
    counter.press("Enter")
    counter.type("150,01")
    counter.type("NSU 1")
    counter.press("Enter")
    counter.reads("Só o dinheiro pode passar do que falta")
    counter.press("Escape")


def test_suprimento_and_sangria_are_counted_in_the_drawer_and_an_impatient_enter_makes_one(
    counter: Counter, branch: Branch
) -> None:
    counter.press("F12", "F6")
    counter.type("30,00")
    counter.page.keyboard.type("Troco do cofre")
    button = counter.page.get_by_role("button", name="Confirmar")
    button.evaluate("each => { each.click(); each.click(); }")
    counter.on("Caixa aberto")
    counter.press("F12", "F7")
    counter.type("130,01")
    counter.type("Malote das 15h")
    counter.reads("Na gaveta há R$ 130,00")
    counter.type("80,00")
    counter.press("Enter")
    counter.on("Caixa aberto")
    counter.delivers()
    assert [each["amount_cents"] for each in bodies(branch, "cash_in")] == [3000]
    assert [each["amount_cents"] for each in bodies(branch, "cash_out")] == [8000]
    assert bodies(branch, "cash_out")[0]["reason"] == "Malote das 15h"


def test_closing_shows_what_was_expected_and_the_difference(counter: Counter, branch: Branch) -> None:
    counter.press("F12", "F4")
    counter.type("99,00")
    counter.reads("Diferença")
    counter.reads("-1,00")
    counter.press("Enter")
    counter.on("Entrar no caixa")
    counter.delivers()
    [body] = bodies(branch, "session_close")
    assert body["counted"] == [{"method": "cash", "amount_cents": 9900}]
    assert Operation.objects.get(device__branch=branch, kind="session_close").state == "applied"


def test_a_drawer_counted_blind_tells_nothing_that_was_expected(
    ready: Callable[..., Counter], branch: Branch, debt: Installment
) -> None:
    branch.parameter_set.blind_closing = True
    branch.parameter_set.save_as(SYSTEM)
    counter = ready()
    counter.press("F12", "F7")
    counter.type("100,01")
    counter.type("Malote")
    counter.reads("Na gaveta não há tanto")
    counter.press("Escape", "F4")
    counter.type("99,00")
    counter.reads("Contado")
    expect(counter.page.locator("main")).not_to_contain_text("Esperado")
    expect(counter.page.locator("main")).not_to_contain_text("100,00")
    counter.press("Enter")
    counter.on("Entrar no caixa")
    counter.delivers()


def test_the_receipts_of_the_day_are_printed_again_even_after_the_drawer_was_closed(
    counter: Counter, debt: Installment
) -> None:
    counter.press("F10")
    number = counter.receive_in_cash("maria")
    counter.press("Escape", "F12", "F4")
    counter.type("250,00")
    counter.press("Enter")
    counter.sign_in(OPERATOR, PIN)
    counter.press("F12", "F8")
    counter.on("Recebimentos deste caixa")
    counter.reads("1 recibo, R$ 150,00")
    counter.press("Delete")
    counter.on("Recebimentos deste caixa")
    counter.press("Enter")
    counter.on(f"Recibo {number}")
    counter.reads("REIMPRESSÃO")
    assert pages_printed(counter.page) == 2


def test_a_receipt_names_its_branch_and_fills_a_roll_of_80_millimetres_twice(counter: Counter, branch: Branch) -> None:
    branch.name, branch.document = "Araucária Transportes · Londrina", "12ABC34501DE35"
    branch.city = make_city(name="Londrina", state="PR")
    branch.save_as(SYSTEM)
    expect(counter.page.locator("header")).to_contain_text("Araucária Transportes · Londrina", timeout=30_000)
    counter.press("F10")
    counter.receive_in_cash("maria")
    copies = counter.page.locator(".receipt")
    expect(copies).to_contain_text(["Via do cliente", "Via do caixa"])
    expect(copies).to_contain_text(["Araucária Transportes · LondrinaCNPJ 12.ABC.345/01DE-35Londrina/PRRECIBO"] * 2)
    counter.page.evaluate("window.print = () => {}")
    counter.press("Enter")
    pdf = counter.page.pdf(prefer_css_page_size=True)
    assert pdf.count(b"/Type /Page\n") == 2
    width = float(pdf.split(b"/MediaBox [0 0 ")[1].split()[0])
    assert width == pytest.approx(80 / 25.4 * 72, abs=1)
    # What was downloaded from a server that did not tell of the branch yet: as pairing named it.
    counter.amend("reference", {"branch": None})
    counter.go()
    with counter.unplugged():
        counter.sign_in(OPERATOR, PIN)
        counter.press("F12", "F8", "Enter")
        expect(copies).to_contain_text(["MatrizRECIBO"] * 2)
    counter.delivers()


def pages_printed(page: Page) -> int:
    page.evaluate("window.print = () => {}")
    page.keyboard.press("Enter")
    return page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")


def test_two_debts_are_received_at_once_overdue_first_with_charges(
    ready: Callable[..., Counter], branch: Branch, debt: Installment
) -> None:
    late = owed(branch, name=f"Zilda {branch.code}", days=-20)
    counter = ready()
    counter.press("F10")
    counter.choose("zilda")
    counter.press("*")
    counter.reads("1 parcela marcada")
    counter.press("F3", "Enter", "Enter", "Enter")
    counter.on("Parcela recebida")
    counter.delivers()
    late.refresh_from_db()
    assert late.status == "settled"
    operation = Operation.objects.get(device__branch=branch, kind="receipt")
    assert (operation.state, operation.flags) == ("applied", [])
