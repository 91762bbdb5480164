"""Real pages in a real Chromium: whatever a page complains about fails its test, and the books are clean after each.

The module has one ledger, which is emptied at its end; each test works in a branch of its own.
Playwright keeps an event loop in the tests' thread, where Django would refuse the database: it is told that the loop
is not ours. All of it ends with the module, so that no other test runs beside a loop.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from receivables.models import Branch
from receivables.services.groups import FINANCEIRO, GERENCIA, SUPORTE, TESOURARIA
from tests.e2e.desk import PATIENCE_MS, Desk, unsigned_changes
from tests.ledger import assert_books_are_clean
from tests.make import make_branch, make_user

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SCREEN = {"width": 1366, "height": 768}

outcomes = pytest.StashKey[dict[str, bool]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember whether a test failed, for the screenshots."""
    report = yield
    item.stash.setdefault(outcomes, {})[report.when] = report.failed
    return report


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
            yield running
            running.close()


@pytest.fixture(scope="module")
def one_ledger(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Open the database for the whole module: emptying it after each test would take longer than the test."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def transactional_db(one_ledger: None) -> None:
    """Stand in for what `live_server` brings: nothing is emptied before the module ends."""


@pytest.fixture(autouse=True)
def clean_ledger(live_server: LiveServer) -> Iterator[None]:
    """After every journey the books are clean, and each change of a status has a user and a reason."""
    yield
    assert_books_are_clean()
    assert unsigned_changes() == []


@pytest.fixture
def sit_down(
    browser: Browser, live_server: LiveServer, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Desk]]:
    """Give each user a window of their own; a failed test leaves a picture of each in its temporary folder."""
    desks: list[Desk] = []

    def open_window(user: Any, **options: Any) -> Desk:
        context = browser.new_context(viewport=SCREEN, locale="pt-BR", timezone_id=settings.TIME_ZONE, **options)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": live_server.url}])
        desks.append(Desk(context, server=live_server.url, user=user))
        return desks[-1]

    yield open_window
    if request.node.stash.get(outcomes, {}).get("call"):
        for desk in desks:
            desk.page.screenshot(path=tmp_path / f"{desk.user.username}.png", full_page=True)
    for desk in desks:
        desk.context.close()
    assert [complaint for desk in desks for complaint in desk.complaints] == []


def session_of(user: Any) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def branch(live_server: LiveServer) -> Branch:
    return make_branch()


def _of_group(group: str) -> Any:
    @pytest.fixture
    def person(sit_down: Callable[[Any], Desk], branch: Branch) -> Desk:
        return sit_down(make_user(group=group, branches=(branch,)))

    return person


financeiro, tesouraria, gerencia, suporte = map(_of_group, (FINANCEIRO, TESOURARIA, GERENCIA, SUPORTE))
