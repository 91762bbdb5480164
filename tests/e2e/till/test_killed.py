"""The browser killed at each point of a receipt: what was said to be received is there, once; no number is missing."""

from collections.abc import Callable

import pytest

from pos_sync.models import Operation
from receivables.models import Branch, Installment
from tests.e2e.till.conftest import bodies, owed
from tests.e2e.till.counter import OPERATOR, PIN, Counter

pytestmark = pytest.mark.browser


def until_the_means(counter: Counter) -> None:
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F3")
    counter.on("Meio de pagamento")


def as_money_is_given(counter: Counter) -> None:
    until_the_means(counter)
    counter.press("Enter", "Enter")


def while_it_is_kept(counter: Counter) -> None:
    until_the_means(counter)
    counter.press("Enter", "Enter", "Enter")


def once_it_is_said(counter: Counter) -> None:
    until_the_means(counter)
    counter.press("Enter", "Enter", "Enter")
    counter.on("Parcela recebida")


def while_it_is_delivered(counter: Counter) -> None:
    """The server has it, the till never hears so."""

    def lose_the_answer(route: object) -> None:
        route.fetch()  # type: ignore[attr-defined]
        counter.heard.append("delivered")

    counter.context.route("**/api/pos/v1/operations", lose_the_answer)
    once_it_is_said(counter)
    counter.page.wait_for_timeout(0)
    while not counter.heard:
        counter.page.wait_for_timeout(20)


POINTS = {as_money_is_given: (0, 0), while_it_is_kept: (0, 1), once_it_is_said: (1, 1), while_it_is_delivered: (1, 1)}
"""How many receipts there may be afterwards, at least and at most."""


@pytest.mark.parametrize("come_to", POINTS, ids=lambda each: each.__name__.replace("_", " "))
def test_a_browser_killed_in_a_receipt_loses_and_doubles_nothing(
    killed_counter: Counter, debt: Installment, branch: Branch, come_to: Callable[[Counter], None]
) -> None:
    counter = killed_counter
    owed(branch, name=f"Zilda {branch.code}")
    come_to(counter)
    counter.kill()
    counter.open()
    counter.delivers()
    kept = len(bodies(branch, "receipt"))
    least, most = POINTS[come_to]
    assert least <= kept <= most
    debt.refresh_from_db()
    assert debt.status == ("settled" if kept else "pending")
    counter.sign_in(OPERATOR, PIN)
    counter.press("F10")
    number = counter.receive_in_cash("zilda")
    assert number == f"03-{kept + 1:06d}"
    counter.delivers()
    seqs = Operation.objects.filter(device__branch=branch).order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == list(range(1, kept + 3))
