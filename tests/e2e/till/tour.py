"""A walk through every screen of the till and every state that it can be in: each is shown to `look` by name."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Route, expect

from tests.e2e.till.counter import OPERATOR, PIN, SUPERVISOR, SUPERVISOR_PIN, Counter

Look = Callable[[str], None]

OPERATIONS = "**/api/pos/v1/operations"
CHANGES = "**/api/pos/v1/changes*"
ANSWERS = (
    ("stored", "review", "already_settled"), ("stored", "pending", None), ("stored", "waiting", None),
    ("stored", "held", "unknown_installment"), ("stored", "quarantined", "device_suspended"),
    ("duplicate", "resolved", None), ("conflict", "quarantined", "op_id_reused"),
    ("refused", None, "operation_too_large"),
)  # fmt: skip
"""What a server may say of an operation: custody, state, reason."""


def _tell_each(route: Route) -> None:
    """Answer for a server that has something else to say of each operation."""
    sent = route.request.post_data_json["operations"]
    results = [
        {"op_id": each["op_id"], "seq": each["seq"], "custody": custody, "state": state, "reason": reason, "flags": [],
         "outcome": None}
        for each, (custody, state, reason) in zip(sent, ANSWERS, strict=True)
    ]  # fmt: skip
    route.fulfill(json={"through_seq": 0, "applied_above": [], "missing": [], "results": results})


@dataclass(frozen=True)
class Tour:
    """One till, unpaired at the beginning; Maria owes late and early installments, forty people are called Ana."""

    counter: Counter
    code: str
    look: Look

    def first_use(self) -> None:
        counter, look = self.counter, self.look
        look("pairing")
        counter.type("XXXX")
        counter.reads("Este código não existe")
        look("pairing refused")
        counter.pair(self.code)
        look("login")
        counter.type(OPERATOR)
        counter.type("0000")
        counter.reads("Senha errada")
        look("login wrong PIN")
        for _ in range(4):
            expect(counter.page.get_by_label("Senha (PIN)")).to_have_value("")
            counter.type("0000")
        counter.reads("Muitas tentativas erradas")
        look("login locked")
        counter.press("F3")
        counter.reads("Deseja refazer a sincronização?")
        look("resync asked")
        with counter.held("**/api/pos/v1/snapshot*"):
            counter.press("Enter")
            counter.reads("Sincronizando. Aguarde.")
            look("resync running")
        counter.reads("Recebimentos atualizados")
        look("resync done")
        counter.press("Enter")

    def open_drawer(self) -> None:
        counter, look = self.counter, self.look
        counter.sign_in(SUPERVISOR, SUPERVISOR_PIN)
        look("home closed")
        counter.press("F12")
        counter.on("Mais funções")
        look("functions closed")
        counter.press("F8")
        counter.reads("Nenhum recebimento neste caixa hoje")
        look("day empty")
        counter.press("Escape", "F2")
        counter.on("Abrir caixa")
        look("open drawer")
        counter.type("abc")
        counter.reads("Digite um valor como 1.234,56.")
        look("open drawer refused")
        counter.type("200,00")
        counter.on("Caixa aberto")
        look("home")
        counter.press("F12")
        look("functions")

    def receive(self) -> None:
        counter, look = self.counter, self.look
        counter.press("F10")
        counter.on("Recebimento")
        look("receive without a customer")
        counter.press("F4")
        look("search")
        counter.page.keyboard.type("ninguem assim")
        counter.reads("Não está na base local.")
        look("search without hits")
        counter.page.keyboard.press("ControlOrMeta+a")
        counter.page.keyboard.type("ana")
        counter.reads("Há mais clientes assim")
        look("search with many hits")
        counter.type("NF-000")
        counter.reads("Escolha o cliente na lista")
        look("search with a code that several have")
        counter.page.keyboard.press("ControlOrMeta+a")
        counter.page.keyboard.type("maria")
        counter.reads("1 cliente encontrado.")
        look("search with one hit")
        counter.press("Enter")
        counter.on("Recebimento")
        look("installments")
        counter.press(" ", "ArrowDown", " ")
        counter.reads("2 parcelas marcadas")
        look("installments ticked")
        counter.press("F6")
        look("partial")
        counter.type("0")
        counter.reads("Digite um valor acima de zero")
        look("partial refused")
        counter.press("Escape", "F7")
        look("discount")
        counter.type("5.000,00")
        counter.reads("O desconto vai de zero a")
        look("discount refused")
        counter.type("10,00")
        counter.reads("Desconto 10,00")
        look("discount granted")
        counter.press("F6")
        counter.type("1,00")
        counter.reads("O desconto de R$ 10,00 não cabe")
        look("discount that does not fit")
        counter.press("F7")
        counter.type("10,00")
        counter.reads("Desconto 10,00")

    def pay(self) -> None:
        counter, look = self.counter, self.look
        counter.press("F3")
        counter.on("Meio de pagamento")
        look("payment")
        counter.choose_method("Card")
        counter.press("Enter")
        counter.type("50,00")
        counter.press("Enter")
        look("payment card")
        counter.press("Enter")
        counter.reads("Este meio pede a referência")
        look("payment without a reference")
        counter.type("NSU 123456")
        counter.press("Enter")
        counter.reads("Card 50,00")
        look("payment with one means entered")
        counter.press("Escape")
        counter.reads("Já lançado, continua valendo:")
        look("installments with one means entered")
        counter.press("F3", "Enter")
        counter.type("78912345")
        counter.press("Enter")
        counter.reads("O troco passaria de R$ 1.000,00")
        look("payment with too much change")
        counter.type("900,00")
        counter.reads("Troco")
        look("payment with change")
        counter.press("Enter")
        counter.on("Parcelas recebidas")
        look("done with change")
        counter.press("F10")
        counter.choose("ana 07")
        counter.press(" ", "F3")
        counter.choose_method("Pix")
        counter.press("Enter")
        counter.type("50,00")
        counter.press("Enter")
        counter.reads("Pix 50,00")
        counter.press("Escape", "F6")
        counter.type("50,00")
        counter.press("F3")
        counter.reads("Gravar recebimento")
        look("payment with everything entered")
        counter.press("Escape", "Escape")
        expect(counter.page.get_by_role("alert")).to_contain_text("Meio retirado, nada foi gravado: Pix de R$ 50,00.")
        look("home after a receipt that was left")

    def drawer(self) -> None:
        counter, look = self.counter, self.look
        for key, title in (("F6", "Suprimento"), ("F7", "Sangria")):
            counter.press("F12", key)
            counter.on(title)
            look(title.lower())
            counter.press("Escape", "Escape")
        counter.press("F12", "F7")
        counter.type("99.000,00")
        counter.type("Malote")
        counter.reads("Na gaveta há")
        look("sangria refused")
        counter.press("Escape", "F8")
        counter.on("Recebimentos deste caixa")
        look("day")
        counter.press("Enter")
        counter.reads("REIMPRESSÃO")
        look("reprint")
        counter.press("Escape", "Delete")
        counter.reads("Cancelar o recibo")
        look("void")
        counter.type("curto")
        counter.reads("Escreva o motivo (15 a 500 letras).")
        look("void refused")
        counter.press("Escape", "Escape", "Escape")

    def contingency(self) -> None:
        counter, look = self.counter, self.look
        with counter.unplugged():
            look("home offline")
            counter.press("F10")
            counter.on("Sem conexão com o servidor")
            look("offline alert")
            counter.press("Enter")
            counter.choose("maria")
            counter.press(" ", "F3")
            counter.on("Precisa do supervisor")
            look("limit with a supervisor")
            counter.type(OPERATOR)
            counter.type(PIN)
            counter.reads("Este operador não é supervisor.")
            look("limit refused")
            counter.type(SUPERVISOR)
            counter.type(SUPERVISOR_PIN)
            counter.on("Meio de pagamento")
            look("payment offline")
            counter.press("Enter", "Enter", "Enter")
            counter.on("Parcela recebida")
            look("done offline")
            counter.press("Escape", "F12", "F9")
            counter.on("Pendências")
            look("pendings offline")
            counter.page.get_by_role("button", name="Desligar este caixa").click()
            counter.reads("não pode ser desligado")
            look("unpairing refused")
            counter.press("Escape", "F6")
            look("pendings only what is missing")
            counter.press("Escape", "Escape")
            self._put_in(len(ANSWERS) - 1)
            counter.context.route(OPERATIONS, _tell_each)
        counter.delivers()
        counter.context.unroute(OPERATIONS)
        counter.press("F12", "F9")
        expect(counter.page.locator("main")).not_to_contain_text("Nada pendente")
        for words in ("Recebido, espera outra operação", "Guardado para identificação", "Recusado: chame o escritório"):
            counter.reads(words)
        look("pendings of every kind")
        counter.press("F6")
        look("pendings none missing")
        counter.press("Escape", "Escape")

    def _put_in(self, times: int) -> None:
        for _ in range(times):
            self.counter.press("F12", "F6")
            self.counter.type("10,00")
            self.counter.type("Troco do cofre")
            self.counter.on("Caixa aberto")

    def close_drawer(self) -> None:
        counter, look = self.counter, self.look
        with counter.unplugged():
            self._put_in(1)
            counter.press("F12", "F4")
            counter.on("Fechar caixa")
            look("close")
            counter.type("100,00")
            counter.type("cinquenta")
            counter.reads("Digite um valor como 1.234,56.")
            look("close refused")
            counter.type("50,00")
            counter.reads("Diferença")
            counter.reads("1 operação pendente (R$ 0,00): vai escrita no fechamento")
            look("close counted")
            counter.press("Enter")
            counter.on("Entrar no caixa")
            look("login after a closing that waits")
            counter.bar.get_by_role("button", name="2 pendências").click()
            counter.reads("Fechamento")
            look("pendings of a closing that waits")
            counter.press("Escape")
        counter.delivers()

    def new_version(self, put_out: Callable[[], None]) -> None:
        """A busy server, and a new version that waits."""
        counter, look = self.counter, self.look
        counter.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        counter.go()
        counter.sign_in(SUPERVISOR, SUPERVISOR_PIN)
        with counter.answered(CHANGES, status=429, body='{"code": "rate_limited"}', headers={"Retry-After": "60"}):
            expect(counter.bar).to_contain_text("Servidor ocupado", timeout=30_000)
        look("home while the server is busy")
        put_out()
        counter.page.evaluate("navigator.serviceWorker.getRegistration().then(each => each.update()).then(() => null)")
        expect(counter.bar.get_by_role("button", name="Atualizar")).to_be_visible()
        look("home with a new version")
        counter.press("F2")
        counter.on("Abrir caixa")
        look("open drawer with a new version")
