"""The browser till with 50,000 installments: searching while typing, first load, opening again, memory.

Measured in the page, in a real Chromium. The reference of the search is what a till without an index does at each
letter: `Array.prototype.filter` over the names and documents as they came.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.bench.counterfeit import OPERATOR, PIN, Window, pages
from tests.conftest import chromium
from tests.e2e.conftest import FLAGS
from tests.e2e.till.counter import SCREEN

INSTALLMENTS = 50_000
ENOUGH_MS = 50
TYPED = ("ana", "silva", "joao queiroz", "FAT-012345", "***", "004.321", "marta lima ol", "529.982.247-25", "zz")

# Each letter: from its input event until the frame after the results stand in the document.
WATCH = """() => {
  window.waits = [];
  document.addEventListener("input", () => {
    const began = performance.now();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.waits.push(performance.now() - began);
      channel.port2.postMessage(null);
    });
  }, true);
}"""
IN_THE_PAGE = """async (typed) => {
  const base = new URL(document.querySelector("script[type=module]").src + "/../").href;
  const [{ openStore, readShown }, { findCustomers, indexCustomers, plain }] = await Promise.all([
    import(base + "store.js"), import(base + "domain/search.js")]);
  const db = await openStore();
  const { installments, customers } = await readShown(db);
  const timed = (act) => { const began = performance.now(); act(); return performance.now() - began; };
  let index;
  const indexing = timed(() => { index = indexCustomers(customers, installments); });
  const simple = (asked) => {
    const owing = installments.filter((row) => plain(row.document).startsWith(plain(asked)));
    const owners = new Set(owing.map((row) => row.customer_id));
    return customers.filter((each) => plain(each.name).includes(plain(asked)) || each.document_masked.includes(asked)
      || owners.has(each.id)).slice(0, 30);
  };
  const letters = typed.flatMap((text) => [...text].map((_, at) => text.slice(0, at + 1)));
  const ours = letters.map((asked) => timed(() => findCustomers(index, asked)));
  const theirs = letters.map((asked) => timed(() => simple(asked)));
  return { indexing, ours, theirs };
}"""


@pytest.fixture
def page() -> Iterator[Page]:
    path = chromium()
    if path is None:
        pytest.skip("There is no Chromium to measure the till in (Debian: chromium).")
    expect.set_options(timeout=120_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, "--enable-precise-memory-info"])
        yield browser.new_context(viewport=SCREEN, locale="pt-BR").new_page()  # type: ignore[arg-type]
        browser.close()


def test_a_cashier_types_over_fifty_thousand_installments(page: Page, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    window = Window(installments=INSTALLMENTS, today=datetime.now(UTC).date())
    page.context.route("**/api/pos/v1/**", window.answer)
    with pages() as address:
        page.goto(f"{address}/till/")
        download = _pair(page)
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        opening = _open_again(page, address)
        seen = _type(page)
        heap = _heap(page)
        measured = page.evaluate(IN_THE_PAGE, list(TYPED))
    _report(
        {
            "download and first index (s)": f"{download:.1f}",
            "opening again until somebody may sign in (s)": f"{opening:.2f}",
            "memory of the page after typing (MB)": f"{heap:.0f}",
            "index of a download (ms)": f"{measured['indexing']:.0f}",
            "a letter, until it is painted: median / 95 % (ms)": f"{median(seen):.1f} / {_slow(seen):.1f}",
            "a search alone: median / 95 % (ms)": f"{median(measured['ours']):.2f} / {_slow(measured['ours']):.2f}",
            "reference, filter over all rows: median (ms)": f"{median(measured['theirs']):.1f}",
            "reference : search": f"{median(measured['theirs']) / median(measured['ours']):.0f} : 1",
            f"median below {ENOUGH_MS} ms": "yes" if median(seen) < ENOUGH_MS else "NO",
        }
    )


def _pair(page: Page) -> float:
    page.get_by_label("Código para ligar o caixa").fill("0000-0000-0000-0000")
    began = perf_counter()
    page.keyboard.press("Enter")
    expect(page.locator("footer")).to_contain_text("Dados de")
    return perf_counter() - began


def _open_again(page: Page, address: str) -> float:
    page.goto("about:blank")
    began = perf_counter()
    page.goto(f"{address}/till/")
    expect(page.get_by_label("Operador")).to_be_visible()
    return perf_counter() - began


def _heap(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: float = page.evaluate("performance.memory.usedJSHeapSize")
    return used / 2**20


def _type(page: Page) -> list[float]:
    """Come to the search as a cashier does and type; give what each letter took, in milliseconds."""
    page.keyboard.type(str(OPERATOR["code"]))
    page.keyboard.press("Enter")
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Caixa fechado")).to_be_visible()
    page.keyboard.press("F2")
    expect(page.get_by_role("heading", name="Abrir caixa")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Caixa aberto")).to_be_visible()
    page.keyboard.press("F10")
    page.keyboard.press("F4")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.evaluate(WATCH)
    for text in TYPED:
        page.get_by_role("combobox").fill("")
        page.keyboard.type(text, delay=30)
    waits: list[float] = page.evaluate("window.waits")
    return waits


def _slow(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)]


def _report(rows: dict[str, str]) -> None:
    width = max(map(len, rows))
    table = "\n".join(f"  {name:{width}}  {value}" for name, value in rows.items())
    print(f"\nThe till with {INSTALLMENTS:,} installments\n{table}")
