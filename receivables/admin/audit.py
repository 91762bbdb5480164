"""Auditoria → Trilha: everything that people, tills and the system did in a period, newest first (G.19, S45, S47).

What is told comes from `trail`; here it is asked for: by period, person, action, noun, document, customer, channel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from receivables.admin.explain import written
from receivables.admin.export import MOST_LINES, file_of, is_asked
from receivables.admin.export_columns import Column
from receivables.admin.forms import DayField
from receivables.admin.history import CHANNELS
from receivables.admin.pages import Page, add_page
from receivables.admin.trail import Asked, Line, Mark, Touched, logins, nouns  # noqa: F401 - they add what they tell
from receivables.admin.trail.reader import ACTORS, called, read
from receivables.admin.trail.sources import actions
from receivables.admin.trail.sources import nouns as told_nouns
from receivables.models import SYSTEM, BankSlip, Customer, Receipt, Title
from receivables.services.people import seen_by

USUAL_DAYS = 7
MOST_DAYS = 92
PER_PAGE = 100
PER_READ = 500
MOST_FOUND = 50


class AuditForm(forms.Form):
    """What somebody wants to read. Without a period it is the last seven days."""

    since = DayField(label=gettext_lazy("from"), required=False)
    until = DayField(label=gettext_lazy("to"), required=False)
    who = forms.CharField(label=gettext_lazy("who"), required=False, max_length=150)
    action = forms.ChoiceField(label=gettext_lazy("action"), required=False)
    noun = forms.ChoiceField(label=gettext_lazy("about"), required=False)
    document = forms.CharField(label=gettext_lazy("document"), required=False, max_length=40)
    customer = forms.CharField(label=gettext_lazy("customer"), required=False, max_length=120)
    channel = forms.ChoiceField(label=gettext_lazy("channel"), required=False)

    def __init__(self, data: Any, *, today: date) -> None:
        self.today = today
        usual = {"since": written(today - timedelta(days=USUAL_DAYS - 1)), "until": written(today)}
        given = {name: value for name, value in data.items() if value.strip()}
        super().__init__({**usual, **given} if "until" in given or "since" not in given else {**given, **_to(today)})
        everything = [("", gettext_lazy("All"))]
        fields: Any = self.fields
        fields["action"].choices = [*everything, *((word, word) for word in sorted(actions(), key=str.casefold))]
        fields["noun"].choices = [*everything, *told_nouns()]
        fields["channel"].choices = [*everything, *CHANNELS.items()]
        fields["who"].widget.attrs |= {"list": "people", "autocomplete": "off"}
        for name in ("since", "until"):
            fields[name].widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        for name in ("who", "document", "customer"):
            fields[name].widget.attrs |= {"placeholder": _PLACEHOLDERS[name]}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("The period ends before it begins."))
        elif since and until and (until - since).days >= MOST_DAYS:
            self.add_error("since", _("Choose at most %(days)s days.") % {"days": MOST_DAYS})
        return cleaned


_PLACEHOLDERS: dict[str, Any] = {
    "who": gettext_lazy("name, user or till"),
    "document": gettext_lazy("title, receipt, Nosso Número"),
    "customer": gettext_lazy("name, CPF or CNPJ"),
}


def _to(day: date) -> dict[str, str]:
    return {"until": written(day)}


# The page


def audit_page(request: HttpRequest) -> HttpResponseBase | dict[str, Any]:
    """Show a page of lines, or give all of them as a file."""
    form = AuditForm(request.GET.dict(), today=timezone.localdate())
    asked = asked_of(form, request) if form.is_valid() else None
    if is_asked(request) and asked is not None:
        rows = map(_cells, _every_line(request, asked))
        return file_of(request, noun="audit", title=_("Trail"), columns=COLUMNS, rows=rows, most=MOST_LINES)
    found = read(request, asked, most=PER_PAGE, after=Mark.read(request.GET.get("after", ""))) if asked else None
    return {
        "title": _("Trail"),
        "form": form,
        "days": days_of(found.lines if found else []),
        "older": _older(request, found.after) if found and found.after else "",
        "newest": _older(request, None) if "after" in request.GET else "",
        "people": _people(request),
        "export_address": f"?{_query(request)}",
        "export_limit": f"{MOST_LINES:,}".replace(",", "."),
    }


def days_of(lines: Sequence[Line]) -> list[tuple[date, list[Line]]]:
    """Put lines under their days."""
    by_day = groupby(lines, key=lambda line: timezone.localtime(line.at).date())
    return [(day, list(told)) for day, told in by_day]


def _query(request: HttpRequest, **changes: str) -> str:
    kept = {name: value for name, value in request.GET.items() if value and name != "after"}
    return urlencode(kept | changes)


def _older(request: HttpRequest, after: Mark | None) -> str:
    return f"?{_query(request, **({'after': str(after)} if after else {}))}"


def _people(request: HttpRequest) -> list[tuple[str, str]]:
    """Give whom one may ask for: people of one's branches, tills, the system."""
    people = seen_by(request.user).prefetch_related("groups").order_by("username")[:200]
    named = [(user.get_username(), called(user)) for user in people]
    return [*named, *((label, "") for source in ACTORS for _name, label in source(request)), (_("System"), "")]


# What was asked, as the trail reads it


def asked_of(form: AuditForm, request: HttpRequest) -> Asked:
    """Turn what was typed into what is read; a document or customer that nobody has finds nothing."""
    given = form.cleaned_data
    finders = {"document": _documents, "customer": _customers}
    touching = [find(request, given[name]) for name, find in finders.items() if given[name]]
    return Asked(
        since=_morning(given["since"]),
        until=_morning(given["until"] + timedelta(days=1)),
        actors=_actors(request, given["who"]) if given["who"] else None,
        channel=given["channel"],
        actions=actions().get(given["action"]) if given["action"] else None,
        noun=given["noun"],
        touching=touching,
    )


def _morning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _actors(request: HttpRequest, text: str) -> set[str]:
    """Give the names in the trail that a text may mean: what was typed, people so called, tills, the system."""
    known = Q(username__iexact=text) | Q(first_name__icontains=text) | Q(last_name__icontains=text)
    first, _space, last = text.partition(" ")
    if last:
        known |= Q(first_name__iexact=first, last_name__icontains=last)
    people = get_user_model().objects.filter(known).values_list("username", flat=True)[:MOST_FOUND]
    others = [*(pair for source in ACTORS for pair in source(request)), (SYSTEM.name, _("System"))]
    named = {name for name, label in others if text.casefold() in (name.casefold(), label.casefold())}
    return {text, *people, *named}


def _documents(request: HttpRequest, text: str) -> Touched:
    """Give titles by document or Nosso Número, and receipts by number: the exact ones, else what begins so."""
    titles = Title.objects.visible_to(request.user)
    slips = BankSlip.objects.filter(our_number=text).values_list("installment__title", flat=True)[:MOST_FOUND]
    written_so = Q(document_number__in={text, text.upper()})
    exact = list(titles.filter(written_so | Q(pk__in=list(slips))).order_by().values_list("pk", flat=True)[:MOST_FOUND])
    receipts = _receipts(request, text)
    if not exact and not receipts:
        exact = list(titles.filter(document_number__istartswith=text).values_list("pk", flat=True)[:MOST_FOUND])
    return {Title: exact, Receipt: receipts}


def _receipts(request: HttpRequest, text: str) -> list[int]:
    page: Any = admin.site._registry[Receipt]
    found = Q(number__in={text, text.upper()})
    if text.isascii() and text.isdigit() and len(text) < 19:
        found |= Q(pk=int(text), number="")
    return list(page.get_queryset(request).filter(found).values_list("pk", flat=True)[:MOST_FOUND])


def _customers(request: HttpRequest, text: str) -> Touched:
    page: Any = admin.site._registry[Customer]
    rows, _doubled = page.get_search_results(request, page.get_queryset(request), text)
    return {Customer: list(rows.values_list("pk", flat=True)[:MOST_FOUND])}


# As a file


COLUMNS = [
    Column(gettext_lazy("when")), Column(gettext_lazy("who")), Column(gettext_lazy("user")),
    Column(gettext_lazy("channel")), Column(gettext_lazy("where")), Column(gettext_lazy("action")),
    Column(gettext_lazy("about")), Column(gettext_lazy("row")), Column(gettext_lazy("what was done")),
    Column(gettext_lazy("reason")), Column(gettext_lazy("old → new")),
]  # fmt: skip


def _every_line(request: HttpRequest, asked: Asked) -> Iterator[Line]:
    """Read page after page: what is held at once is bounded."""
    after = None
    while True:
        page = read(request, asked, most=PER_READ, after=after)
        yield from page.lines
        after = page.after
        if after is None:
            return
        asked = replace(asked, until=min(asked.until or after.at, after.at + timedelta(microseconds=1)))


def _cells(line: Line) -> list[Any]:
    said = " · ".join(str(part) for part in (line.deed, *line.facts, *line.details))
    changes = "; ".join(f"{change.label}: {change.old} → {change.new}" for change in line.changes)
    return [line.at, line.who, line.actor, str(line.channel), line.where, str(line.action), str(line.noun), line.row,
            said, line.reason, changes]  # fmt: skip


AUDIT = add_page(
    Page("audit", "audit/", audit_page, ("receivables.view_audit_log",), template="admin/quita/audit.html")
)
