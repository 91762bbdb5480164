"""Every screen of the till through axe-core: light and dark, on a till and a tablet upright, in large letters.

With TILL_PICTURES=folder each state is also kept as a picture there, to be looked at.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from pos_sync import shell
from pos_sync.models import TillOperator
from receivables.models import Branch
from tests.e2e.test_accessibility import AXE, violations
from tests.e2e.till.conftest import owed
from tests.e2e.till.counter import SCREEN, Counter
from tests.e2e.till.tour import Tour
from tests.make import make_title
from tests.pos_sync.door import pairing_code

pytestmark = pytest.mark.browser

WITHOUT_KEYS = {"resync running"}
TABLET = {"width": 768, "height": 1024}
PICTURES = os.environ.get("TILL_PICTURES")
# What a till's screen has room for when its letters are twice as large (a browser's zoom of 200 %).
LARGE = {"width": 512, "height": 384}


class Eye:
    """Look at a state of a screen in each dress; what is wrong is told once, with where."""

    def __init__(self, page: Page) -> None:
        self.page, self.wrong = page, list[str]()
        self.seen = 0

    def __call__(self, state: str) -> None:
        self.seen += 1
        self.page.evaluate(AXE)
        for size, scheme, only in ((TABLET, "light", ""), (SCREEN, "dark", "color-contrast"), (SCREEN, "light", "")):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.wrong += [f"{state}, {scheme}: {each}" for each in violations(self.page, only)]
            self._keep(f"{state} {scheme} {size['width']}")
        self._focus(state)
        self._in_large_letters(state)

    def _focus(self, state: str) -> None:
        """Somebody with a keyboard knows where they are: the focus is on something that can be seen."""
        where = self.page.evaluate(
            "() => { const { tagName, offsetParent } = document.activeElement; return offsetParent && tagName; }"
        )
        if where in (None, "BODY") and state not in WITHOUT_KEYS:
            self.wrong.append(f"{state}: nothing has the focus")

    def _in_large_letters(self, state: str) -> None:
        """Nothing is cut off sideways."""
        self.page.set_viewport_size(LARGE)  # type: ignore[arg-type]
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            self.wrong.append(f"{state}: wider than the screen in large letters")
        self._keep(f"{state} large")
        self.page.set_viewport_size(SCREEN)  # type: ignore[arg-type]

    def _keep(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{self.seen:02d} {name}.png")


@pytest.fixture
def eye_and_tour(
    counters: Callable[..., Counter], branch: Branch, operator: TillOperator, supervisor: TillOperator,
    policy: Callable[..., None],
) -> tuple[Eye, Tour]:  # fmt: skip
    policy(max_receipt_cents=5_000)
    today = timezone.localdate()
    maria = owed(branch, name=f"Maria Aparecida {branch.code}", days=-20).title.bill_to
    for days in (5, 20):
        later = (today + timedelta(days),)
        make_title(branch=branch, amounts=("380.00",), due_dates=later, issued_on=today, bill_to=maria)
    for number in range(40):
        owed(branch, name=f"Ana {number:02d} {branch.code}", days=10, document_number=f"NF-{number:04d}")
    counter = counters(bypass_csp=True, reduced_motion="reduce")
    eye = Eye(counter.page)
    return eye, Tour(counter, code=pairing_code(branch), look=eye)


def test_every_state_of_every_screen_passes_axe_in_every_dress(
    eye_and_tour: tuple[Eye, Tour], monkeypatch: pytest.MonkeyPatch
) -> None:
    eye, tour = eye_and_tour
    tour.first_use()
    tour.open_drawer()
    tour.receive()
    tour.pay()
    tour.drawer()
    tour.contingency()
    tour.close_drawer()
    tour.new_version(lambda: monkeypatch.setattr(shell, "_version", lambda files: "another-version"))
    assert "\n".join(eye.wrong) == ""
