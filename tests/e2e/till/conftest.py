"""Tills in a real Chromium: a ledger and a browser a module, a branch a test; silent consoles and clean books."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from pos_sync.models import Device, Operation, TillOperator, TillPolicy
from receivables.models import SYSTEM, Branch, Installment, PaymentMethod
from tests.e2e.conftest import FLAGS
from tests.e2e.till.counter import OPERATOR, PIN, SUPERVISOR, SUPERVISOR_PIN, Counter
from tests.ledger import assert_books_are_clean
from tests.make import make_customer, make_title
from tests.pos_sync.door import pairing_code

HASHER = PBKDF2PasswordHasher()


@pytest.fixture(autouse=True)
def clean_ledger(live_server: LiveServer, settings: Any) -> Iterator[None]:
    """Apply what tills bring before they are answered; after every journey the books are clean."""
    settings.REDIS_URL = ""
    yield
    assert_books_are_clean()


@pytest.fixture
def counters(
    browser: Browser, live_server: LiveServer, chromium_path: str, tmp_path: Path
) -> Iterator[Callable[..., Counter]]:
    """Give each device its data: a window of the module's browser or, to be killed, a browser of its own."""
    opened: list[Counter] = []

    def new(*, is_killed: bool = False, **options: Any) -> Counter:
        profile = tmp_path / f"device{len(opened)}"

        def start(**window: Any) -> Any:
            if not is_killed:
                return browser.new_context(**window, **options)
            return browser.browser_type.launch_persistent_context(
                str(profile), executable_path=chromium_path, args=FLAGS, **window, **options
            )

        opened.append(Counter(start, profile=profile, server=live_server.url))
        return opened[-1]

    yield new
    for counter in opened:
        counter.page.screenshot(path=tmp_path / f"{counter.profile.name}.png")
        counter.close()
    assert [complaint for counter in opened for complaint in counter.complaints] == []


@pytest.fixture
def operator(branch: Branch) -> TillOperator:
    row = TillOperator(branch=branch, code=OPERATOR, name="Rosane", pin_hash=HASHER.encode(PIN, "sal", iterations=1000))
    row.save_as(SYSTEM)
    card = PaymentMethod.objects.get(code="card")
    card.needs_reference = True
    card.save_as(SYSTEM)
    return row


@pytest.fixture
def supervisor(branch: Branch) -> TillOperator:
    pin_hash = HASHER.encode(SUPERVISOR_PIN, "sal", iterations=1000)
    row = TillOperator(branch=branch, code=SUPERVISOR, name="Ivone", pin_hash=pin_hash, is_supervisor=True)
    row.save_as(SYSTEM)
    return row


@pytest.fixture
def policy(branch: Branch) -> Callable[..., None]:
    """Set what the branch's tills may do without a connection."""

    def allow(*, methods: tuple[str, ...] = ("cash",), **limits: int) -> None:
        row, _ = TillPolicy.objects.get_or_create(parameter_set=branch.parameter_set)
        for name, value in limits.items():
            setattr(row, name, value)
        row.save_as(SYSTEM)
        row.offline_methods.set(PaymentMethod.objects.filter(code__in=methods))

    return allow


@pytest.fixture
def debt(branch: Branch) -> Installment:
    """What Maria owes: an installment of 150,00, due in five days."""
    return owed(branch, name=f"Maria Aparecida {branch.code}")


def owed(branch: Branch, *, name: str, amount: str = "150.00", days: int = 5, **values: Any) -> Installment:
    """Issue what somebody owes, due in that many days."""
    today = timezone.localdate()
    title = make_title(
        branch=branch, amounts=(amount,), due_dates=(today + timedelta(days),), issued_on=today - timedelta(60),
        bill_to=make_customer(name=name), **values,
    )  # fmt: skip
    return title.installments.get()


def bodies(branch: Branch, kind: str) -> list[dict[str, Any]]:
    """Give what the branch's tills said in operations of a kind, in their order."""
    rows = Operation.objects.filter(device__branch=branch, kind=kind).order_by("seq")
    return [json.loads(row.raw)["body"] for row in rows]


def change(branch: Branch, state: str) -> None:
    """Suspend, revoke or activate the branch's till."""
    device = Device.objects.filter(branch=branch).latest("paired_at")
    call_command("device_state", str(device.pk), state, reason="Perdido na loja", stdout=StringIO())


@pytest.fixture
def ready(counters: Callable[..., Counter], branch: Branch, operator: TillOperator) -> Callable[..., Counter]:
    """Give a till that is paired, synchronised, with an operator and an open drawer."""

    def new(**options: Any) -> Counter:
        counter = counters(**options)
        counter.pair(pairing_code(branch))
        counter.sign_in(OPERATOR, PIN)
        counter.open_drawer("100,00")
        counter.delivers()
        return counter

    return new


@pytest.fixture
def counter(ready: Callable[..., Counter], debt: Installment) -> Counter:
    return ready()


@pytest.fixture
def killed_counter(ready: Callable[..., Counter], debt: Installment) -> Counter:
    """A till whose browser may be killed."""
    return ready(is_killed=True)
