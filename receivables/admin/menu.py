"""The menu in the owner's words: sections in order, each with the lists that a person may see.

Other apps add their sections and entries when their admin is imported.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.admin.pages import PAGES
from receivables.models import TitleStatus


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
])  # fmt: skip

PARAMETERS = Section(95, _("Parameters"), [
    Entry(_("Parameter sets"), "receivables_parameterset"),
    Entry(_("Rates"), "receivables_terms"),
])  # fmt: skip

MENU = [
    Section(20, _("Titles"), [
        Entry(_("Titles"), "receivables_title"),
        Entry(_("Installments"), "receivables_installment"),
    ]),
    Section(30, pgettext_lazy("menu", "Settlement"), [
        Entry(_("Open titles"), "receivables_title", _OPEN),
        Entry(_("Receipts"), "receivables_receipt"),
        Entry(_("Reversals"), "receivables_reversal"),
        Entry(_("Customers’ credits"), "receivables_customercredit"),
    ]),
    Section(40, _("Bank collection"), [
        Entry(_("Bank slips"), "receivables_bankslip"),
        Entry(_("New collections"), "receivables_bankcollectionreissue"),
    ]),
    Section(50, _("Cash and banks"), [
        Entry(_("Movements"), "receivables_cashmovement"),
        Entry(_("Closing of cash"), "receivables_cashday"),
        Entry(_("Till sessions"), "receivables_cashsession"),
        Entry(_("Known differences"), "receivables_closedcashreversal"),
    ]),
    Section(60, _("Customers"), [Entry(_("Customers"), "receivables_customer")]),
    Section(75, _("Divergences"), [Entry(_("Divergences"), "receivables_divergence")]),
    Section(85, _("Audit"), [
        Entry(_("Logins"), "axes_accesslog"),
        Entry(_("Refused logins"), "axes_accessattempt"),
        Entry(_("Each refused login"), "axes_accessfailurelog"),
    ]),
    REGISTERS,
    PARAMETERS,
]  # fmt: skip


def menu_of(request: HttpRequest, site: AdminSite) -> list[dict[str, Any]]:
    """Give the sections of which the person may see something, and mark where he is."""
    shown = []
    for section in sorted(MENU, key=lambda each: each.place):
        entries = list(_shown(section, request, site))
        if entries:
            shown.append({"label": section.label, "entries": entries, "is_here": any(e["is_here"] for e in entries)})
    return shown


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
        return name == entry.page
    if not name.startswith(f"{entry.noun}_"):
        return False
    asked = request.GET.get("status__in", "")
    return f"?status__in={asked}" == entry.query if entry.query else not (asked and _is_narrowed(entry.noun))


def _is_narrowed(noun: str) -> bool:
    return any(entry.query and entry.noun == noun for section in MENU for entry in section.entries)
