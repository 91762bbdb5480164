"""The page “Import operations”: the file of a till that cannot connect any more (rules: `services/till_file`)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pos_sync import words
from pos_sync.models import Device
from pos_sync.services.till_file import import_operations, read_till_file
from receivables.admin.forms import show_broken
from receivables.admin.pages import Page, add_page
from receivables.admin.tables import Table, chip
from receivables.domain.errors import RuleBroken
from receivables.models import Actor
from receivables.reports import of_branches

PERMISSION = "pos_sync.manage_devices"


class ImportForm(forms.Form):
    """The file, and whether it is only tried."""

    error_fields: ClassVar[dict[str, str]] = {}

    file = forms.FileField(
        label=_("file of the till"), allow_empty_file=True,
        help_text=_("The one that the till exported under Pending, like quita-caixa-03-12.json."),
    )  # fmt: skip
    is_rehearsal = forms.BooleanField(
        label=_("only rehearse"), required=False, help_text=_("Shows what would become of it and stores nothing.")
    )


def import_view(request: HttpRequest) -> dict[str, Any]:
    """Ask for the file; import it and show what became of each operation."""
    is_sent = request.method == "POST"
    form = ImportForm(request.POST, request.FILES, label_suffix="") if is_sent else ImportForm(label_suffix="")
    results = _imported(request, form) if is_sent and form.is_valid() else None
    is_rehearsal = results is not None and form.cleaned_data["is_rehearsal"]
    tables = [] if results is None else [_table(results)]
    return {"title": gettext("Import operations"), "form": form, "tables": tables, "is_rehearsal": is_rehearsal}


def _imported(request: HttpRequest, form: ImportForm) -> list[dict[str, object]] | None:
    sent = form.cleaned_data["file"]
    devices = of_branches(Device.objects.all(), request.user, "branch")
    try:
        return import_operations(
            file=read_till_file(sent.read(), name=sent.name), devices=devices,
            by=Actor.person(request.user), now=timezone.now(), is_rehearsal=form.cleaned_data["is_rehearsal"],
        )  # fmt: skip
    except RuleBroken as broken:
        show_broken(form, broken)
        return None


def _table(results: list[dict[str, object]]) -> Table:
    columns = [_("sequence"), _("operation"), _("custody"), _("state"), _("reason")]
    return Table(_("What became of each operation"), columns, "").fill(_row(result) for result in results)


def _row(result: Mapping[str, Any]) -> list[Any]:
    _seq, op_id, custody, state, reason = words.told_of(result)
    tone = {"stored": "applied", "duplicate": "replaced"}.get(result["custody"], "quarantined")
    told_state = chip(result["state"], state) if state else None
    return [result["seq"], op_id or None, chip(tone, custody), told_state, reason or None]


IMPORT = add_page(
    Page(
        "import_operations", "pos_sync/operation/import/", import_view, (PERMISSION,),
        "admin/quita/import_operations.html",
    )
)  # fmt: skip
