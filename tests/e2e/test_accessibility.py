"""Every screen of the back office through axe-core: light and dark, on a desk's screen and on a telephone's.

The screens are found as a person finds them, by following links from the start page; what no link leads to is named.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import resolve, reverse
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from receivables.models import CashDay, Customer, Divergence, Title
from receivables.services.groups import FINANCEIRO
from receivables.services.second_factor import begin_enrolment
from tests.admin.phones import enrol, shown_by
from tests.e2e.conftest import SCREEN, session_of
from tests.e2e.desk import Desk, address
from tests.e2e.lived_in import live_in
from tests.make import make_branch, make_title, make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

VENDOR = Path(__file__).parent / "vendor" / "axe-core"
AXE = (VENDOR / "axe.min.js").read_text(encoding="utf-8")
TELEPHONE = {"width": 390, "height": 844}
NO_SCREEN = re.compile(
    r"_delete$|_preview$|_simple_history$|^(jsi18n|autocomplete|logout|view_on_site|branch|app_list|search)$"
)
"""Answers that are no page of their own, or that are looked at by name below."""
MOST_PAGES = 400


@pytest.fixture(autouse=True)
def clean_ledger() -> None:
    """Stand in for the check of the books: the operations of this ledger are only there to be looked at."""


@pytest.fixture
def sit_down(browser: Browser, live_server: LiveServer) -> Iterator[Callable[[Any], Desk]]:
    """Windows in which axe may set the styles that it measures with, and nothing moves while it does."""
    desks: list[Desk] = []

    def open_window(user: Any) -> Desk:
        context = browser.new_context(viewport=SCREEN, locale="pt-BR", bypass_csp=True, reduced_motion="reduce")  # type: ignore[arg-type]
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": live_server.url}])
        desks.append(Desk(context, server=live_server.url, user=user))
        return desks[-1]

    yield open_window
    for desk in desks:
        desk.context.close()


@dataclass
class Found:
    """One address for each kind of page, and what was followed on the way."""

    chief: Any
    screens: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def found(one_ledger: None) -> Found:
    """Follow every link once for each kind of page, as an administrator who works in every branch."""
    found = Found(chief=live_in())
    client = Client()
    client.force_login(found.chief, "django.contrib.auth.backends.ModelBackend")
    waiting, seen = ["/admin/"], {"/admin/"}
    for path in waiting:
        answer = client.get(path)
        if answer.status_code != 200 or "text/html" not in answer.headers["Content-Type"]:
            continue
        kind = kind_of(path)
        if not NO_SCREEN.search(kind):
            found.screens.setdefault(kind, path)
        for link in sorted(links_of(answer.content.decode(), here=path)):
            if link not in seen and len(waiting) < MOST_PAGES and is_new(link, seen):
                seen.add(link)
                waiting.append(link)
    found.screens |= {kind: path for kind, path in moves_of(found.chief) if kind not in found.screens}
    return found


def moves_of(user: Any) -> Iterator[tuple[str, str]]:
    """Give for each move the page of a row that it is offered on."""
    for model, page in admin.site._registry.items():
        for name, transition in getattr(page, "transitions", {}).items():
            rows = model._default_manager.order_by("-pk")[:MOST_PAGES]
            row = next((row for row in rows if transition.is_offered(row, user)), None)
            if row is not None:
                yield f"{model._meta.app_label}_{model._meta.model_name}_{name}", address(row, name)


def links_of(html: str, *, here: str) -> set[str]:
    """Give the pages of the back office that a page links to, without their filters."""
    hrefs = re.findall(r'href="([^"#]+)', html)
    paths = {urlsplit(href)._replace(query="", fragment="").geturl() or here for href in hrefs}
    return {path for path in paths if path.startswith("/admin/")}


def kind_of(path: str) -> str:
    match = resolve(path)
    return match.url_name or match.route


def is_new(path: str, seen: set[str]) -> bool:
    """Of each kind of page the first few are followed: rows differ in their buttons."""
    return sum(kind_of(other) == kind_of(path) for other in seen) < 4


def group_of(kind: str) -> str:
    """Divide the screens so that no test takes too long."""
    endings = ("changelist", "add", "history", "change")
    return next((ending for ending in endings if kind.endswith(f"_{ending}")), "others")


# Looking

FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def violations(page: Page, only: str = "") -> Iterator[str]:
    """Run axe on the page as it stands; give each violation with where it is."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}  # it would ask for our sheets anew
    if only:
        options["runOnly"] = {"type": "rule", "values": [only]}
    for rule in page.evaluate("options => axe.run(document, options).then(found => found.violations)", options):
        for node in rule["nodes"]:
            why = node["failureSummary"].splitlines()[-1].strip()
            yield f"{rule['id']}: {' '.join(map(str, node['target']))} ({why})"


def look(desk: Desk) -> list[str]:
    """Look at the page that is open, once it is whole: wide and narrow, light and dark; tell what is wrong once."""
    page = desk.page
    page.wait_for_load_state()
    page.evaluate(AXE)
    told: list[str] = []
    for size, scheme, only in (
        (SCREEN, "light", ""), (SCREEN, "dark", "color-contrast"), (TELEPHONE, "light", ""),
        (TELEPHONE, "dark", "color-contrast"),
    ):  # fmt: skip
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(FRAME)  # what the page does about its new size is done
        told += [f"{size['width']} {scheme} {each}" for each in violations(page, only)]
    page.set_viewport_size(SCREEN)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    return told


def look_at(desk: Desk, paths: dict[str, str]) -> dict[str, list[str]]:
    """Open each page and look at it; give only what is wrong."""
    wrong = {}
    for kind, path in paths.items():
        desk.page.goto(desk.server + path)
        told = look(desk)
        if told:
            wrong[f"{kind} {path}"] = told
    return wrong


# The screens


def test_axe_is_what_its_makers_published() -> None:
    for line in (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


def test_every_list_every_form_and_every_move_is_among_the_screens(found: Found) -> None:
    nouns = {f"{model._meta.app_label}_{model._meta.model_name}": page for model, page in admin.site._registry.items()}
    for noun, page in nouns.items():
        assert f"{noun}_changelist" in found.screens
        moves = {f"{noun}_{name}" for name in getattr(page, "transitions", {})}
        assert sorted(moves - found.screens.keys()) == []


@pytest.mark.parametrize("group", ["changelist", "add", "change", "history", "others"])
def test_no_screen_has_a_violation(found: Found, sit_down: Callable[[Any], Desk], group: str) -> None:
    desk = sit_down(found.chief)
    paths = {kind: path for kind, path in found.screens.items() if group_of(kind) == group}
    assert paths
    assert look_at(desk, paths) == {}


def test_no_title_in_any_status_has_a_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    rows = {title.status: title for title in Title.objects.order_by("pk")}
    assert look_at(sit_down(found.chief), {status: address(title) for status, title in rows.items()}) == {}


def test_no_divergence_of_any_reason_has_a_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    rows = {f"{row.reason} {row.status}": row for row in Divergence.objects.order_by("pk")}
    assert look_at(sit_down(found.chief), {kind: address(row) for kind, row in rows.items()}) == {}


def test_no_search_has_a_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    searches = {"nothing": "", "few": Customer.objects.order_by("pk")[0].name, "none": "zzzzzz"}
    paths = {name: f"{reverse('admin:search')}?q={asked}" for name, asked in searches.items()}
    lists = {"empty list": f"{reverse('admin:receivables_title_changelist')}?q=zzzzzz"}
    assert look_at(sit_down(found.chief), paths | lists) == {}


def test_what_a_form_refuses_has_no_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    desk = sit_down(found.chief)
    closed = CashDay.objects.filter(status="closed").order_by("-day").first()
    desk.page.goto(desk.server + address(closed, "reopen"))
    desk.confirm()
    assert look(desk) == []
    desk.page.goto(desk.server + reverse("admin:receivables_customer_add"))
    desk.page.locator("[name=_save]").click()
    assert look(desk) == []


def test_entering_has_no_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    person = make_user(group=FINANCEIRO, branches=(make_branch(),))
    device, _codes = enrol(person)
    desk = sit_down(person)
    desk.context.clear_cookies()
    desk.page.goto(desk.server + reverse("admin:login"))
    assert look(desk) == []
    for password in ("wrong", "secret"):
        desk.page.locator("[name=username]").fill(person.username)
        desk.page.locator("[name=password]").fill(password)
        desk.page.locator("[type=submit]").click()
        assert look(desk) == []
    desk.page.locator("[name=code]").fill(shown_by(device, later=1))
    desk.page.locator("[type=submit]").click()
    desk.page.goto(desk.server + reverse("admin:second_factor"))
    assert look(desk) == []
    desk.page.locator("#user-menu summary").click()
    assert look(desk) == []
    desk.page.locator("#logout-form button").click()
    assert look(desk) == []


def test_enrolling_has_no_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    person = make_user(group=FINANCEIRO, branches=(make_branch(),))
    desk = sit_down(person)
    desk.page.goto(desk.server + reverse("admin:second_factor"))
    assert look(desk) == []
    device = begin_enrolment(user=person)
    desk.page.reload()
    assert look(desk) == []
    desk.page.locator("[name=code]").fill(shown_by(device))
    desk.page.locator("[name=_confirm]").click()
    assert look(desk) == []


def test_refusals_have_no_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    desk = sit_down(make_user(group=FINANCEIRO, branches=(make_branch(),)))
    refused = {"403": reverse("admin:auth_group_changelist"), "404": address(make_title(branch=make_branch()))}
    assert look_at(desk, refused) == {}


def test_the_shortcuts_over_a_page_have_no_violation(found: Found, sit_down: Callable[[Any], Desk]) -> None:
    desk = sit_down(found.chief)
    desk.page.goto(desk.server + reverse("admin:index"))
    desk.page.wait_for_load_state()
    desk.page.keyboard.press("?")
    desk.page.locator("#shortcuts-dialog").wait_for()
    assert look(desk) == []
