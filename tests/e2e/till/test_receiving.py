"""What a cashier sees: receive with the network unplugged, lose the browser, come back, and everything is put right.

Every journey also ends with clean books, silent consoles and no request to another host.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from time import monotonic

import pytest
from django.utils import timezone
from playwright.sync_api import Route, expect

from pos_sync import shell
from pos_sync.models import Device, Operation
from receivables.models import Branch, CashMovement, CustomerCredit, Installment, Receipt
from receivables.services.settlement import settle_title
from tests.e2e.till.conftest import bodies
from tests.e2e.till.counter import OPERATOR, PIN, PROBLEM, Counter
from tests.make import CASHIER, deposit, make_customer, make_title

pytestmark = pytest.mark.browser


def read(debt: Installment) -> Installment:
    return Installment.objects.get(pk=debt.pk)


def test_a_receipt_taken_offline_survives_everything_and_settles_by_itself(
    killed_counter: Counter, debt: Installment, branch: Branch
) -> None:
    counter = killed_counter
    with counter.unplugged():
        counter.press("F12")
        counter.on("Mais funções")
        counter.press("F10")
        counter.on("Sem conexão com o servidor")
        counter.press("Enter")
        number = counter.receive_in_cash("maria")
        counter.page.reload()
        expect(counter.bar).to_contain_text("R$ 150,00")
    counter.kill()
    assert not Receipt.objects.filter(branch=branch).exists()
    counter.open()
    counter.delivers()
    assert read(debt).status == "settled"
    receipt = Receipt.objects.get(branch=branch)
    assert (receipt.number, receipt.amount) == (number, Decimal("150.00"))
    assert CashMovement.objects.get(receipt=receipt).amount == Decimal("150.00")


def test_an_installment_paid_meanwhile_becomes_credit_and_the_cashier_is_told(
    counter: Counter, debt: Installment
) -> None:
    with counter.unplugged():
        counter.press("F10", "Enter")
        counter.receive_in_cash("maria")
        now = timezone.now()
        settle_title(
            title_id=debt.title_id, received=Decimal(150), received_on=timezone.localdate(),
            deposit=deposit(on=timezone.localdate()), by=CASHIER, now=now, on=timezone.localdate(),
        )  # fmt: skip
    counter.delivers()
    counter.press("Escape", "F12", "F9")
    counter.on("Pendências")
    counter.reads("a parcela já estava paga: o valor virou crédito do cliente")
    assert CustomerCredit.objects.get(customer=debt.title.bill_to).amount == Decimal("150.00")


def test_two_tabs_share_one_queue_and_never_use_a_number_twice(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    first = counter.page
    second = counter.context.new_page()
    counter.page = second
    counter.go()
    counter.sign_in(OPERATOR, PIN)
    with counter.unplugged():
        for page in (first, second):
            counter.page = page
            page.bring_to_front()
            counter.press("F10", "Enter")
            counter.choose("maria")
            counter.press(" ", "F3")
            counter.on("Meio de pagamento")
        counter.press("Enter", "Enter", "Enter")
        counter.on("Parcela recebida")
        counter.page = first
        first.bring_to_front()
        counter.press("Enter", "Enter", "Enter")
        counter.reads("outra janela deste caixa recebeu")
    counter.delivers()
    assert Receipt.objects.filter(branch=branch).count() == 1
    seqs = list(Operation.objects.filter(device__branch=branch).values_list("seq", flat=True).order_by("seq"))
    assert seqs == [1, 2]


def test_a_quiet_pull_makes_the_data_of_every_window_younger(counter: Counter, branch: Branch) -> None:
    other = counter.context.new_page()
    other.goto(counter.page.url)
    with counter.page.expect_response("**/api/pos/v1/changes*", timeout=40_000) as pulled:
        counter.page.evaluate("dispatchEvent(new Event('online'))")
    pulled_at = datetime.fromisoformat(pulled.value.json()["server_time"])
    counter.page = other
    counter.sign_in(OPERATOR, PIN)
    with counter.unplugged():
        counter.press("F10", "Enter")
        counter.receive_in_cash("maria")
    counter.delivers()
    [body] = bodies(branch, "receipt")
    assert datetime.fromisoformat(body["snapshot_as_of"]) >= pulled_at


def test_a_window_that_is_opened_knows_the_connection_of_the_others(counter: Counter) -> None:
    busy = json.dumps({"code": "rate_limited"})
    with counter.answered("**/api/pos/v1/changes*", status=429, body=busy, headers={"Retry-After": "60"}):
        # No round tells it, until the server may be asked again.
        expect(counter.bar).to_contain_text("Servidor ocupado", timeout=30_000)
        other = counter.context.new_page()
        other.goto(counter.page.url)
        expect(other.locator("footer.bar")).to_contain_text("Conectado, com problema")


def test_a_captive_portal_is_no_server(counter: Counter) -> None:
    counter.context.route(
        "**/api/pos/**", lambda route: route.fulfill(status=200, content_type="text/html", body="<h1>Hotel</h1>")
    )
    expect(counter.bar).to_contain_text("Sem conexão desde", timeout=30_000)
    counter.press("F10")
    counter.on("Sem conexão com o servidor")
    counter.press("Enter")
    counter.receive_in_cash("maria")
    counter.context.unroute("**/api/pos/**")
    counter.delivers()


def test_a_server_in_trouble_loses_nothing(counter: Counter, branch: Branch) -> None:
    def fail(route: Route) -> None:
        route.fulfill(status=500, content_type="application/problem+json", body='{"code": "server_error"}')

    counter.context.route("**/api/pos/v1/operations", fail)
    counter.press("F10")
    counter.receive_in_cash("maria")
    expect(counter.bar).to_contain_text("1 pendência · R$ 150,00")
    expect(counter.bar).to_contain_text("Sem conexão desde", timeout=30_000)
    counter.context.unroute("**/api/pos/v1/operations")
    counter.delivers()
    assert Receipt.objects.filter(branch=branch).count() == 1


def test_a_busy_server_is_left_alone_as_long_as_it_asks(counter: Counter, branch: Branch) -> None:
    busy = iter([(503, "unavailable"), (429, "rate_limited")])
    asked: list[float] = []

    def keep_off(route: Route) -> None:
        asked.append(monotonic())
        status, code = next(busy, (None, None))
        if status is None:
            route.continue_()
        else:
            route.fulfill(
                status=status, content_type=PROBLEM, headers={"Retry-After": "3"}, body=json.dumps({"code": code})
            )

    counter.context.route("**/api/pos/v1/operations", keep_off)
    counter.press("F10")
    counter.receive_in_cash("maria")
    for chip in ("Sem conexão desde", "Conectado, com problema"):
        expect(counter.bar).to_contain_text(chip)
        expect(counter.bar).to_contain_text("Servidor ocupado: nova tentativa em instantes.")
        counter.press("Escape", "F12", "F9", "F2", "Escape")
    counter.delivers()
    expect(counter.bar).not_to_contain_text("Servidor ocupado")
    assert len(asked) == 3
    assert min(later - earlier for earlier, later in pairwise(asked)) >= 3
    assert Receipt.objects.filter(branch=branch).count() == 1


ESTIMATE_IS_FULL = "navigator.storage.estimate = async () => ({quota: 1000, usage: 900})"
WRITES_FAIL = """IDBObjectStore.prototype.add = () => { throw new DOMException("full", "QuotaExceededError") }"""


@pytest.mark.parametrize("trouble", [ESTIMATE_IS_FULL, WRITES_FAIL], ids=["the room is short", "the write fails"])
def test_a_full_device_refuses_before_money_is_taken(counter: Counter, branch: Branch, trouble: str) -> None:
    counter.press("F10")
    counter.choose("maria")
    counter.page.evaluate(f"() => {{ {trouble} }}")
    counter.press(" ", "F3")
    counter.on("Meio de pagamento")
    counter.press("Enter", "Enter", "Enter")
    counter.reads("Não há espaço neste aparelho para guardar o recibo. NÃO receba o dinheiro")
    assert Operation.objects.filter(device__branch=branch, kind="receipt").count() == 0


def test_a_new_version_waits_until_no_receipt_is_being_taken(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    counter.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    counter.go()
    other = counter.context.new_page()
    other.goto(counter.page.url)
    monkeypatch.setattr(shell, "_version", lambda files: "another-version")
    update = counter.bar.get_by_role("button", name="Atualizar")

    def waits() -> None:
        expect(counter.bar).to_contain_text("Há uma versão nova do caixa.", timeout=20_000)
        expect(update).to_have_count(0)

    counter.page.bring_to_front()
    counter.sign_in(OPERATOR, PIN)
    counter.press("F10")
    counter.choose("maria")
    counter.page.evaluate("navigator.serviceWorker.getRegistration().then((each) => each.update()).then(() => null)")
    waits()
    counter.press("F4")
    counter.on("Definir cliente")
    waits()
    counter.press("Escape", " ", "F3")
    counter.on("Meio de pagamento")
    waits()
    # Another window of this till, which is idle, lets it take over: here the receipt goes on.
    other.get_by_role("button", name="Atualizar").click()
    expect(other.locator("footer.bar")).not_to_contain_text("versão nova")
    waits()
    counter.press("Enter", "Enter", "Enter")
    counter.on("Parcela recebida")
    waits()
    counter.delivers()
    counter.press("Escape", "F12")
    for key, title in (("F8", "Recebimentos deste caixa"), ("F4", "Fechar caixa"), ("F9", "Pendências")):
        counter.press(key)
        counter.on(title)
        waits()
        counter.press("Escape")
    counter.press("Escape")
    counter.on("Caixa aberto")
    update.click()
    counter.on("Entrar no caixa")
    expect(counter.bar).not_to_contain_text("versão nova")


def test_five_wrong_pins_lock_an_operator(counter: Counter) -> None:
    counter.press("F12", "F3")
    counter.on("Entrar no caixa")
    counter.type(OPERATOR)
    for _ in range(4):
        counter.type("0000")
        counter.reads("Senha errada")
        expect(counter.page.get_by_label("Senha (PIN)")).to_have_value("")
    counter.type("0000")
    counter.reads("Muitas tentativas erradas")
    counter.type(PIN)
    counter.on("Entrar no caixa")


def test_the_synchronisation_is_redone_when_asked(counter: Counter, debt: Installment, branch: Branch) -> None:
    counter.press("F12", "F3")
    counter.on("Entrar no caixa")
    make_title(
        branch=branch,
        due_dates=(timezone.localdate(),),
        issued_on=timezone.localdate(),
        bill_to=make_customer(name="Zuleica"),
    )
    counter.press("F3")
    counter.reads("Deseja refazer a sincronização?")
    counter.press("Enter")
    counter.reads("Recebimentos atualizados")
    counter.press("Enter")
    counter.sign_in(OPERATOR, PIN)
    counter.press("F10")
    counter.choose("zuleica")
    counter.reads("1.000,00")


def test_a_scanned_code_chooses_a_customer_only_where_it_is_the_whole_code_of_one(
    ready: Callable[..., Counter], branch: Branch
) -> None:
    for name, number in (("Ana", "NF-500"), ("Bia", "NF-5001"), ("Caio", "NF-62")):
        make_title(
            branch=branch, document_number=number, due_dates=(timezone.localdate(),), issued_on=timezone.localdate(),
            bill_to=make_customer(name=name),
        )  # fmt: skip
    counter = ready()
    field = counter.page.get_by_label("Nome, CPF/CNPJ ou documento")
    counter.press("F10", "F4")
    for code, names in (("NF-500", ["Ana", "Bia"]), ("NF-6", ["Caio"])):
        counter.type(code)
        counter.on("Definir cliente")
        counter.reads("Escolha o cliente na lista")
        expect(field).to_have_value(code)
        expect(counter.page.get_by_role("option").locator("span")).to_have_text(names)
        expect(counter.page.locator("[role=option][aria-selected=true]")).to_have_count(0)
    counter.type("NF-5001")
    counter.on("Recebimento")
    counter.reads("Bia")
    counter.press("F4")
    counter.page.keyboard.type("NF-500")
    counter.press("ArrowDown", "ArrowDown", "ArrowUp")
    expect(counter.page.locator("[role=option][aria-selected=true]")).to_contain_text("Ana")
    counter.press("Enter")
    counter.on("Recebimento")
    counter.reads("NF-500")


def test_a_receipt_is_cancelled_in_its_session_and_the_drawer_is_counted(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    counter.press("F10")
    counter.receive_in_cash("maria")
    counter.delivers()
    counter.press("Escape", "F12", "F8")
    counter.on("Recebimentos deste caixa")
    counter.press("Delete")
    counter.type("Cliente desistiu do pagamento")
    counter.reads("Cancelado")
    counter.delivers()
    assert read(debt).status == "pending"
    counter.press("Escape", "F4")
    counter.on("Fechar caixa")
    counter.type("100,00")
    counter.reads("Esperado")
    counter.press("Enter")
    counter.on("Entrar no caixa")
    counter.delivers()
    assert Operation.objects.get(device__branch=branch, kind="session_close").state == "applied"


def test_a_part_that_is_cancelled_without_a_connection_is_owed_again_at_once(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F6")
    counter.type("50,00")
    counter.press("F3", "Enter", "Enter", "Enter")
    counter.on("Parcela recebida")
    counter.delivers()
    counter.press("Escape", "F10")
    counter.choose("maria")
    counter.reads("100,00")
    counter.press("Escape")
    with counter.unplugged():
        counter.press("F12", "F8", "Delete")
        counter.type("Cliente desistiu do pagamento")
        counter.reads("Cancelado")
        counter.press("Escape", "Escape", "F10", "Enter")
        counter.receive_in_cash("maria")
        counter.reads("150,00")
    counter.delivers()
    assert read(debt).status == "settled"
    assert [each["lines"][0]["principal_cents"] for each in bodies(branch, "receipt")] == [5000, 15000]
    assert Operation.objects.filter(device__branch=branch).exclude(state="applied").count() == 0


def test_what_is_pending_keeps_the_till_from_being_unpaired(counter: Counter, branch: Branch) -> None:
    with counter.unplugged():
        counter.press("F10", "Enter")
        counter.receive_in_cash("maria")
        counter.press("Escape", "F12", "F9")
        counter.page.get_by_role("button", name="Desligar este caixa").click()
        counter.reads("Há coisas que o servidor ainda não tem")
        counter.press("Escape")
    counter.delivers()
    assert Device.objects.get(branch=branch).state == "active"


def test_a_clock_that_is_a_day_ahead_downloads_nothing_again(counter: Counter) -> None:
    counter.page.clock.set_system_time(timezone.now() + timedelta(days=1))
    counter.requests.clear()
    for _round in range(2):
        with counter.page.expect_response("**/api/pos/v1/changes*", timeout=40_000):
            pass
    assert [address for address in counter.requests if "/snapshot" in address] == []
