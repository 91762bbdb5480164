"""Atalhos: what the keyboard does, told on one page; `desk.js`, `keys.js` and `filling.js` do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from receivables.admin.menu import START_KEY, menu_of


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that belong together, each with what it does."""

    title: str
    keys: Sequence[tuple[Sequence[str], Any]]


def groups_of(request: HttpRequest, site: AdminSite) -> list[Group]:
    """Give the keys, the person's own sections of the menu among them."""
    go = [(("g", section["key"]), section["label"]) for section in menu_of(request, site) if section["key"]]
    return [
        Group(_("Everywhere"), [
            (("/",), _("Search titles, customers, receipts and Nosso Número")),
            (("?",), _("These shortcuts")),
            (("Tab",), _("Next field, link or button; with Shift the one before")),
            (("Esc",), _("Close what is open; else go back")),
        ]),
        Group(_("Go to"), [
            (("g", START_KEY), _("Dashboard")),
            *go,
            (("g", "g"), _("Into the menu; the arrows walk it")),
        ]),
        Group(_("In a list"), [
            (("↓", "↑"), _("Next and previous row")),
            (("Enter",), _("Open the row")),
            ((pgettext("key", "Space"),), _("Choose the row")),
            (("→", "←"), _("Next and previous page")),
            (("n",), _("Add a new one")),
        ]),
        Group(_("On a row’s page"), [
            (("F4", "F8", "F9", "F10"), _("The button on which the key is printed")),
        ]),
        Group(_("In a form"), [
            (("Enter",), _("Next field; after the last one, the button")),
            (("a–z", "↓"), _("Search by typing, where one of many is chosen")),
            (("F2",), _("Press the button that saves, from anywhere (Ctrl+Enter too)")),
            (("Esc",), _("Go back without saving; twice, where something was typed")),
        ]),
    ]  # fmt: skip
