"""A tablet without a keyboard, held upright: the whole flow by the finger alone; what is said without HTTPS."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from pos_sync.models import TillOperator
from receivables.models import Branch, Installment
from tests.e2e.till.counter import OPERATOR, PIN, Counter
from tests.pos_sync.door import pairing_code

pytestmark = pytest.mark.browser

TABLET = {"width": 768, "height": 1024}


class Finger:
    """Taps what can be read, and types on the screen's keyboard only where a field has to be filled."""

    def __init__(self, counter: Counter) -> None:
        self.page, self.on = counter.page, counter.on

    def tap(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.tap()

    def write(self, label: str, text: str) -> None:
        self.page.get_by_label(label).tap()
        self.page.get_by_label(label).fill(text)


def test_a_receipt_is_taken_by_touch_alone(
    counters: Callable[..., Counter], branch: Branch, operator: TillOperator, debt: Installment
) -> None:
    counter = counters(has_touch=True)
    counter.page.set_viewport_size(TABLET)  # type: ignore[arg-type]
    finger = Finger(counter)
    finger.write("Código para ligar o caixa", pairing_code(branch))
    finger.tap("Ligar este caixa")
    counter.is_synchronised()
    finger.write("Operador", OPERATOR)
    finger.write("Senha (PIN)", PIN)
    finger.tap("Entrar")
    finger.tap("Abrir caixa")
    finger.write("Fundo de troco", "50,00")
    finger.tap("Abrir caixa")
    counter.on("Caixa aberto")
    finger.tap("Mais funções")
    finger.tap("Recebimento")
    finger.tap("Definir cliente")
    finger.write("Nome, CPF/CNPJ ou documento", "maria")
    counter.page.get_by_role("option").first.tap()
    counter.page.get_by_role("row").nth(1).tap()
    finger.tap("Finalizar recebimento")
    counter.page.get_by_role("option", name="Cash").tap()
    finger.tap("200,00")
    finger.tap("Lançar meio de pagamento")
    counter.on("Parcela recebida")
    counter.reads("Troco50,00")
    counter.delivers()
    debt.refresh_from_db()
    assert debt.status == "settled"


def test_everything_under_a_finger_is_large_enough(counter: Counter) -> None:
    counter.press("F10")
    for _screen in range(2):
        boxes = [each.bounding_box() for each in counter.page.get_by_role("button").all()]
        assert all(box and box["height"] >= 40 for box in boxes)
        counter.press("F4")
        counter.on("Definir cliente")


def test_an_address_without_https_says_what_to_ask_for(browser: Browser, live_server: LiveServer) -> None:
    page = browser.new_page()
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.goto(f"{live_server.url}/till/")
    expect(page.locator("body")).to_contain_text("O caixa só funciona por um endereço seguro (https).")
    expect(page.locator("body")).to_contain_text("peça ao escritório o endereço https")
    page.close()
