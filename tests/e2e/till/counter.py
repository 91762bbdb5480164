"""A cashier at the browser till: one profile of Chromium on one device, its keys, its network, its sudden ends."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Route, expect

from tests.e2e.desk import PATIENCE_MS

SCREEN = {"width": 1024, "height": 768}
# What a browser says of a server that cannot be reached or refuses is the network's doing, not the page's.
OF_THE_NETWORK = ("Failed to load resource", "net::ERR_")
PROBLEM = "application/problem+json"
PIN, OPERATOR = "4821", "1001"
SUPERVISOR_PIN, SUPERVISOR = "7350", "9001"


class Counter:
    """What a cashier does and reads; `complaints` holds what no page may cause."""

    def __init__(self, start: Callable[..., BrowserContext], *, profile: Path, server: str) -> None:
        self._start, self.profile, self.server = start, profile, server
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.heard: list[str] = []
        self.open()

    # The browser

    def open(self) -> None:
        """Start the browser on this device's profile and come to the till."""
        self.context: BrowserContext = self._start(viewport=SCREEN, locale="pt-BR")
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self.context.on("request", self._see_request)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.pages[0] if self.context.pages else self.context.new_page()
        self.go()

    def go(self, fragment: str = "") -> None:
        """Come to the till's address, as if for the first time."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.server}/till/{fragment}")
        expect(self.page.locator("main")).to_be_visible()

    def kill(self) -> None:
        """End the browser's processes as a power cut does: nothing of it is asked, nothing is flushed."""
        for pid in _processes_of(self.profile):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in OF_THE_NETWORK):
            self.complaints.append(f"console: {message.text}")

    def _see_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if urlsplit(request.url).scheme not in ("data", "blob") and not request.url.startswith(self.server + "/"):
            self.complaints.append(f"request to another host: {request.url}")

    # The network

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Work without a network, once the till has noticed."""
        self.context.set_offline(True)
        expect(self.bar).to_contain_text("Sem conexão desde", timeout=30_000)
        yield
        self.context.set_offline(False)

    @contextmanager
    def held(self, address: str) -> Iterator[None]:
        """Keep what the till asks at an address unanswered for a while."""
        waiting: list[Route] = []

        def keep(route: Route) -> None:
            waiting.append(route)

        self.context.route(address, keep)
        yield
        for route in waiting:
            route.continue_()
        self.context.unroute(address)

    @contextmanager
    def answered(
        self, address: str, *, status: int, body: str, content_type: str = PROBLEM,
        headers: dict[str, str] | None = None,
    ) -> Iterator[None]:  # fmt: skip
        """Let somebody else answer what the till asks at an address."""
        said: dict[str, Any] = {"status": status, "headers": {"Content-Type": content_type, **(headers or {})}}
        self.context.route(address, lambda route: route.fulfill(body=body, **said))
        yield
        self.context.unroute(address)

    def delivers(self) -> None:
        """Expect everything to have gone up by itself."""
        expect(self.bar).to_contain_text("Nada pendente", timeout=60_000)

    # What the till keeps

    def amend(self, entry: str, changes: dict[str, Any]) -> None:
        """Change what the till keeps about itself; a member that becomes None is not there any more."""
        self.page.evaluate(
            """([entry, changes]) => new Promise((resolve) => {
              const asked = indexedDB.open("quita-till");
              asked.onsuccess = () => {
                const store = asked.result.transaction("meta", "readwrite").objectStore("meta");
                const kept = store.get(entry);
                kept.onsuccess = () => {
                  const amended = Object.entries({...kept.result, ...changes}).filter(([, value]) => value !== null);
                  store.put(Object.fromEntries(amended), entry).onsuccess = () => { asked.result.close(); resolve(); };
                };
              };
            })""",
            [entry, changes],
        )

    # What a cashier does

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type over what the focused field holds, then Enter."""
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def pair(self, code: str) -> None:
        self.on("Ligar este caixa")
        self.type(code)
        self.is_synchronised()

    def is_synchronised(self) -> None:
        """Expect to be asked who works here, with the data that came down."""
        self.on("Entrar no caixa")
        expect(self.page.locator(".lead").first).to_contain_text("Dados de", timeout=30_000)

    def sign_in(self, operator: str, pin: str) -> None:
        self.on("Entrar no caixa")
        self.type(operator)
        self.type(pin)
        expect(self.page.get_by_label("Senha (PIN)")).to_have_count(0)

    def open_drawer(self, amount: str) -> None:
        self.on("Caixa fechado")
        self.press("F2")
        self.type(amount)
        self.on("Caixa aberto")

    def choose(self, typed: str) -> None:
        """Define the customer by what is typed and take the first who is found."""
        self.press("F4")
        self.on("Definir cliente")
        self.page.keyboard.type(typed)
        expect(self.page.get_by_role("option").first).to_be_visible()
        self.press("Enter")
        self.on("Recebimento")

    def receive_in_cash(self, typed: str) -> str:
        """Receive the customer's first installment in cash, exactly, by keyboard alone; give the receipt's number."""
        self.choose(typed)
        self.press(" ", "F3")
        self.on("Meio de pagamento")
        self.press("Enter", "Enter", "Enter")
        self.on("Parcela recebida")
        number: str = self.page.locator(".receipt-number").first.inner_text()
        return number

    def choose_method(self, name: str) -> None:
        """Go to a means of payment in the list by the arrows."""
        at = self.page.locator("[role=option][aria-selected=true]")
        for _ in range(self.page.get_by_role("option").count()):
            if at.inner_text().startswith(name):
                return
            self.press("ArrowDown")
        for _ in range(self.page.get_by_role("option").count()):
            if at.inner_text().startswith(name):
                return
            self.press("ArrowUp")
        raise AssertionError(f"no means of payment called {name}")

    # What a cashier reads

    @property
    def bar(self) -> Locator:
        return self.page.locator("footer.bar")

    def on(self, title: str) -> None:
        """Expect to be on a screen, between the top and the bar."""
        expect(self.page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
        parts = self.page.evaluate("[...document.getElementById('till').children].map((each) => each.localName)")
        assert parts == ["header", "main", "footer"]

    def reads(self, text: Any) -> None:
        """Expect the screen to show a text."""
        expect(self.page.locator("main")).to_contain_text(text)


def _processes_of(profile: Path) -> list[int]:
    """Find the browser's processes by the profile that they were started with."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(profile) in words:
            found.append(int(path.parent.name))
    return found
