"""A person at a desk of the back office: one browser window, logged in, and all that its pages complained about."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect

from receivables.models import CashMovement, Installment, Title
from tests.admin.pages import FORMAT

PATIENCE_MS = 10_000


def said(message: str, **facts: Any) -> str:
    """Give a message in the words of the screens, whether the catalogue has it or not."""
    with override("pt-br"):
        return gettext(message) % facts if facts else gettext(message)


def typed(day: date) -> str:
    """Write a day as people type it."""
    return day.strftime(FORMAT)


class Desk:
    """What a person does and reads; `complaints` holds what no page may cause."""

    def __init__(self, context: BrowserContext, *, server: str, user: Any) -> None:
        self.context, self.server, self.user = context, server, user
        self.complaints: list[str] = []
        self.may_be_refused = False
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("request", self._see_request)
        context.on("response", self._see_response)
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()

    def log_in(self, password: str) -> None:
        """Come anew, through the page that everybody sees first."""
        self.context.clear_cookies()
        self.page.goto(self.server + reverse("admin:login"))
        self.page.locator("[name=username]").fill(self.user.username)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("[type=submit]").click()
        expect(self.page.locator("#user-tools")).to_contain_text(self.user.username)

    # What a page may not cause

    def _hear(self, message: ConsoleMessage) -> None:
        refusal = self.may_be_refused and "the server responded with a status of 403" in message.text
        if message.type in ("error", "warning") and not refusal:
            self.complaints.append(f"console: {message.text}")

    def _see_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme != "data" and not request.url.startswith(self.server + "/"):
            self.complaints.append(f"request to another host: {request.url}")

    def _see_response(self, response: Response) -> None:
        policy = response.headers.get("content-security-policy", "")
        is_page = response.request.resource_type == "document" and response.status == 200
        if is_page and "default-src 'self'" not in policy:
            self.complaints.append(f"a page without the strict policy: {response.url}")
        if response.status >= 500:
            self.complaints.append(f"{response.status}: {response.url}")

    # Where a person goes

    def open(self, row: models.Model, name: str = "change") -> None:
        """Open a row's page."""
        self.page.goto(self.server + address(row, name))

    def open_list(self, model: type[models.Model]) -> None:
        """Open the list of a noun."""
        self.page.goto(self.server + reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))

    def search(self, text: str) -> None:
        """Search the list that is open."""
        self.page.locator("#searchbar").fill(text)
        self.page.locator("#changelist-search [type=submit]").click()

    def press(self, name: str) -> None:
        """Press the button of a move, such as `settle`."""
        self.button(name).click()

    def button(self, name: str) -> Locator:
        """Give the button of a move."""
        return self.page.locator(f".object-tools .act-{name}")

    @contextmanager
    def another_tab(self) -> Iterator[None]:
        """Work in a second tab of the same window, then come back to this one."""
        first = self.page
        self.page = self.context.new_page()
        yield
        self.page.close()
        self.page = first

    # What a person types

    def fill(self, **values: str) -> None:
        """Type into the fields of the form, a select by its value."""
        for name, value in values.items():
            field = self.page.locator(f"form[method=post] [name='{name}']")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def calculate_for(self, day: date) -> None:
        """Ask what is due on another receipt date."""
        self.fill(received_on=typed(day))
        self.page.locator("[name=_calculate]").click()

    def confirm(self) -> None:
        """Press the button that acts."""
        self.page.locator("[name=_confirm]").click()

    # The steps of the closed cash

    def stage(self, verb: str) -> Locator:
        """Give the button of a step, such as `yes` or `drop:1`."""
        return self.page.locator(f"[name=_step][value$=':{verb}']:not([aria-hidden])")

    def say(self, verb: str) -> None:
        """Press the button of a step and wait until the page took it."""
        self.stage(verb).click()
        expect(self.page.locator("#staged[aria-busy]")).to_have_count(0)

    def debit_field(self, name: str) -> Locator:
        """Give a field of the debit that is open."""
        return self.page.locator(f".entry [name$='-{name}']")

    def debit(self, **values: str) -> None:
        """Type into the debit that is open."""
        for name, value in values.items():
            self.debit_field(name).fill(value)

    # What a person reads

    def told(self, text: str, *, kind: str = "success") -> None:
        """Expect the page to begin with a message."""
        expect(self.page.locator(f".messagelist .{kind}")).to_contain_text(text)

    def refused(self, field: str, text: str | re.Pattern[str] = "") -> None:
        """Expect an error beside a field, and the words that nothing was written."""
        expect(self.page.locator(".errornote")).to_have_text(said("Nothing was written. Correct what is marked below."))
        expect(self.page.locator(f".field-{field} .errorlist")).to_contain_text(text or re.compile(r"\w{3}"))

    def status_is(self, status: str) -> None:
        """Expect the chip of the row's status."""
        expect(self.page.locator(f".field-status_chip .chip-{status}")).to_be_visible()

    def shows(self, field: str, text: str) -> None:
        """Expect a field that is only read to show a text."""
        box = self.page.locator(f".fieldBox.field-{field} .readonly, .form-row.field-{field} > .readonly")
        expect(box).to_have_text(text)

    def table(self, title: str) -> Locator:
        """Give the rows of one of the tables under the form, on its tab where it has one."""
        tab = self.page.get_by_role("tab", name=re.compile(rf"^{re.escape(said(title))}\b"))
        if tab.count():
            tab.click()
        heading = self.page.get_by_role("heading", name=said(title), exact=True)
        return self.page.locator("section.related").filter(has=heading).locator("tbody tr")

    def entry(self, text: str) -> Locator:
        """Give the entries of a history that contain a text."""
        return self.page.locator(".history-entry").filter(has_text=text)


def address(row: models.Model, name: str = "change") -> str:
    """Give the path of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def today() -> date:
    """Give the day that the server's pages begin with."""
    return timezone.localdate()


def unsigned_changes() -> list[str]:
    """Name each history row of a change that lacks a user, the back office's channel or a reason."""
    return [
        str(row)
        for model in (Title, Installment, CashMovement)
        for row in model.history.filter(history_type="~")
        if row.history_user_id is None or row.channel != "back_office" or not row.history_change_reason
    ]
