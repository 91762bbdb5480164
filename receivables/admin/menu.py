"""The menu in the owner's words: sections in order, each with the lists that a person may see.

Other apps add their sections and entries when their admin is imported.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.admin.pages import PAGES
from receivables.models import TitleStatus

START_KEY = "p"
"""“g p” leads to the Painel."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A list of the menu: `noun` is `app_model`; `query` narrows the list. Or a `page` of `pages`, by its name."""

    label: Any
    noun: str = ""
    query: str = ""
    page: str = ""


@dataclass(slots=True)
class Section:
    """A line of the menu at its `place`: a single list, or several that it opens."""

    place: int
    label: Any
    entries: list[Entry] = field(default_factory=list)
    key: str = ""
    """The letter that leads here after “g”; without one, the first letter of the label that is free."""


_OPEN = f"?status__in={TitleStatus.PENDING},{TitleStatus.PARTIALLY_SETTLED}"

REGISTERS = Section(90, _("Registers"), [
    Entry(_("Branches"), "receivables_branch"),
    Entry(_("Cities"), "receivables_city"),
    Entry(_("Products"), "receivables_product"),
    Entry(_("Accounts"), "receivables_ledgeraccount"),
    Entry(_("History codes"), "receivables_historycode"),
    Entry(_("Document types"), "receivables_documenttype"),
    Entry(_("Payment methods"), "receivables_paymentmethod"),
    Entry(_("Methods of each branch"), "receivables_branchpaymentmethod"),
    Entry(_("Local holidays"), "receivables_holiday"),
    Entry(_("Users"), "auth_user"),
    Entry(_("Groups"), "auth_group"),
], key="s")  # fmt: skip

PARAMETERS = Section(95, _("Parameters"), [
    Entry(_("Parameter sets"), "receivables_parameterset"),
    Entry(_("Rates"), "receivables_terms"),
], key="m")  # fmt: skip

MENU = [
    Section(20, _("Titles"), [
        Entry(_("Titles"), "receivables_title"),
        Entry(_("Installments"), "receivables_installment"),
    ], key="t"),
    Section(30, pgettext_lazy("menu", "Settlement"), [
        Entry(_("Open titles"), "receivables_title", _OPEN),
        Entry(_("Several titles at once"), page="settle_many"),
        Entry(_("Receipts"), "receivables_receipt"),
        Entry(_("Reversals"), "receivables_reversal"),
        Entry(_("Customers’ credits"), "receivables_customercredit"),
    ], key="l"),
    Section(40, _("Bank collection"), [
        Entry(_("Bank slips"), "receivables_bankslip"),
        Entry(_("New collections"), "receivables_bankcollectionreissue"),
    ], key="b"),
    Section(50, _("Cash and banks"), [
        Entry(_("Accounts"), page="accounts"),
        Entry(_("Statement"), page="statement"),
        Entry(_("Movements"), "receivables_cashmovement"),
        Entry(_("Closing of cash"), "receivables_cashday"),
        Entry(_("Till sessions"), "receivables_cashsession"),
        Entry(_("Known differences"), "receivables_closedcashreversal"),
    ], key="x"),
    Section(60, _("Customers"), [Entry(_("Customers"), "receivables_customer")], key="c"),
    Section(75, _("Divergences"), [Entry(_("Divergences"), "receivables_divergence")], key="d"),
    Section(85, _("Audit"), [
        Entry(_("Trail"), page="audit"),
        Entry(_("Logins"), "axes_accesslog"),
        Entry(_("Refused logins"), "axes_accessattempt"),
        Entry(_("Each refused login"), "axes_accessfailurelog"),
        Entry(_("Changes of access"), "receivables_accessevent"),
    ], key="a"),
    REGISTERS,
    PARAMETERS,
]  # fmt: skip


def menu_of(request: HttpRequest, site: AdminSite) -> list[dict[str, Any]]:
    """Give the sections of which the person may see something, and mark where he is."""
    shown, keys = [], keys_of(MENU)
    for section in sorted(MENU, key=lambda each: each.place):
        entries = list(_shown(section, request, site))
        if entries:
            is_here = any(entry["is_here"] for entry in entries)
            shown.append({"label": section.label, "entries": entries, "is_here": is_here, "key": keys[section.place]})
    return shown


def keys_of(menu: list[Section]) -> dict[int, str]:
    """Give each section's letter by its place, the same for everybody whatever he sees of the menu."""
    keys = {section.place: section.key for section in menu if section.key}
    for section in sorted(menu, key=lambda each: each.place):
        taken = {START_KEY, "g", *keys.values()}
        plain = normalize("NFD", str(section.label).lower())
        letters = [letter for letter in plain if letter.isascii() and letter.isalpha() and letter not in taken]
        keys.setdefault(section.place, letters[0] if letters else "")
    return keys


def _shown(section: Section, request: HttpRequest, site: AdminSite) -> Iterator[dict[str, Any]]:
    lists = {f"{model._meta.app_label}_{model._meta.model_name}": page for model, page in site._registry.items()}
    for entry in section.entries:
        name = ""
        if entry.page in PAGES and PAGES[entry.page].is_open_to(request.user):
            name = f"admin:{entry.page}"
        elif entry.noun in lists and lists[entry.noun].has_view_permission(request):
            name = f"admin:{entry.noun}_changelist"
        if name:
            yield {"label": entry.label, "address": reverse(name) + entry.query, "is_here": _is_here(entry, request)}


def _is_here(entry: Entry, request: HttpRequest) -> bool:
    """Say whether the page belongs to the entry: its noun, and its filter where it has one."""
    match = request.resolver_match
    name = match.url_name or "" if match else ""
    if entry.page:
        return name == entry.page or name.startswith(f"{entry.page}_")
    if not name.startswith(f"{entry.noun}_"):
        return False
    asked = request.GET.get("status__in", "")
    return f"?status__in={asked}" == entry.query if entry.query else not (asked and _is_narrowed(entry.noun))


def _is_narrowed(noun: str) -> bool:
    return any(entry.query and entry.noun == noun for section in MENU for entry in section.entries)
