"""What every page of the back office keeps: nothing is deleted, history is read and never reverted, services write.

Buttons that move a row are in `transitions`; the rules themselves are in the services.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from receivables.admin.branch_switch import onlooker
from receivables.admin.finding import Words
from receivables.admin.forms import FIELD_OVERRIDES, RuleForm
from receivables.admin.history import CHANNELS, entries, values_of
from receivables.admin.listing import CappedPaginator, HouseChangeList, take_wish_for_totals, totals_of
from receivables.admin.story import newest_of, story_address
from receivables.admin.tables import Table, tabs_of
from receivables.domain.errors import ChangedMeanwhile, RuleBroken
from receivables.models import Actor, Branch

HISTORY_PER_PAGE = 50
NEWEST = 25


def branches_of(user: Any) -> QuerySet:
    """Give the active branches that a user works in."""
    rows = Branch.objects.filter(is_active=True)
    return rows if user.is_superuser else rows.filter(members=user)


class HouseAdmin(admin.ModelAdmin):
    """A noun's pages: rows limited to the user's branches, nothing deleted, broken rules told beside the fields."""

    form = RuleForm
    formfield_overrides = FIELD_OVERRIDES
    show_full_result_count = False
    empty_value_display = "—"
    list_per_page = 25
    paginator = CappedPaginator
    change_form_template = "admin/quita/change_form.html"
    change_list_template = "admin/quita/change_list.html"
    has_tabs: ClassVar[bool] = False
    """Whether the parts of a row's page are tabs, its newest history among them."""
    find: ClassVar[Any] = None
    """How typed words find rows, `find(rows, words)`, where it is not by `search_fields`."""
    branch_lookups: ClassVar[tuple[str, ...]] = ()
    """Lookups to a branch: a user sees rows of which one leads to a branch of his."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Limit the rows to those of the user's branches."""
        rows, user = super().get_queryset(request), onlooker(request)
        if not self.branch_lookups or user.is_superuser:
            return rows
        mine = user.branches.values("pk")
        chosen = models.Q()
        for lookup in self.branch_lookups:
            chosen |= models.Q(**{f"{lookup}__in": mine})
        return rows.filter(chosen)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A branch is chosen among the user's own, where rows are limited to them."""
        if db_field.name in self.branch_lookups:
            options["queryset"] = branches_of(request.user)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_row(self, request: HttpRequest, object_id: str) -> Any:
        """Give a row that the user may see; raises Http404, PermissionDenied."""
        row = self.get_object(request, unquote(str(object_id)))
        if row is None:
            raise Http404(_("There is no such row, or it belongs to another branch."))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return row

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Give the tables shown under the form."""
        return []

    def head(self, row: Any) -> dict[str, Any]:
        """Give what stays on top of a row's page: `chip`, `subtitle`, and `numbers`, each a label and a value."""
        return {"chip": self.status_chip(row)} if hasattr(self, "status_chip") else {}

    # Lists

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[HouseChangeList]:
        return HouseChangeList

    def get_search_results(self, request: Any, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Find what the words name, each kind of which is looked up once in a request."""
        if self.find is None:
            return super().get_search_results(request, queryset, search_term)
        if getattr(request, "words", None) is None or request.words.asked != search_term:
            request.words = Words(search_term)
        return self.find(queryset, request.words), False

    @property
    def has_totals(self) -> bool:
        """Say whether the lists of this noun have sums under them."""
        return type(self).list_totals is not HouseAdmin.list_totals

    def list_totals(self, rows: QuerySet) -> Sequence[tuple[Any, Any]]:
        """Give what the rows that a filter found come to, label by label, in reais."""
        return []

    def changelist_view(self, request: Any, extra_context: Any = None) -> HttpResponse:
        is_asked = take_wish_for_totals(request)
        page = super().changelist_view(request, extra_context)
        if isinstance(page, TemplateResponse) and page.context_data and "cl" in page.context_data:
            page.context_data |= totals_of(page.context_data["cl"], is_asked=is_asked)
            page.context_data["notes"] = request.words.notes if hasattr(request, "words") else ()
        return page

    @admin.display(description=gettext_lazy("channel"))
    def told_channel(self, row: Any) -> str:
        """Name the channel of an append-only row as its history would."""
        return str(CHANNELS.get(row.channel, row.channel or "—"))

    # Forms whose rows are written by services

    def changeform_view(
        self, request: Any, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save a row; a rule that refuses it leaves nothing written and is told in the form."""
        if object_id is not None:
            row = self.get_row(request, object_id)
            tables = self.related_tables(request, row)
            extra_context = {
                "tables": tables,
                "has_history": hasattr(self.model, "history"),
                "story": story_address(row),
                "head": self.head(row),
                **(self._tabs(request, row, tables) if self.has_tabs else {}),
                **(extra_context or {}),
            }
        extra_context = {"is_sheet": self.has_tabs, **(extra_context or {})}
        show = partial(super().changeform_view, request, object_id, form_url, extra_context)
        try:
            return show()
        except RuleBroken as broken:
            request.broken_rule = broken
        except IntegrityError:
            request.broken_rule = ChangedMeanwhile(what=str(self.opts.verbose_name))
        return show()

    @staticmethod
    def _tabs(request: HttpRequest, row: Any, tables: Sequence[Table]) -> dict[str, Any]:
        return {"tabs": tabs_of(tables), "days": newest_of(request, row, most=NEWEST)}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        form: Any = super().get_form(request, obj, change, **options)
        form.broken = getattr(request, "broken_rule", None)
        return form

    # History

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_simple_history"
        view = self.admin_site.admin_view(self.history_form_view)
        return [path("<path:object_id>/history/<int:version_id>/", view, name=name), *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Tell each version of a row: who, why, old → new."""
        row = self.get_row(request, object_id)
        if not hasattr(self.model, "history"):
            raise Http404(_("This row never changes: it has no history."))
        records = self.model.history.filter(**{self.opts.pk.attname: row.pk}).order_by("-history_date", "-history_id")
        page = self.get_paginator(request, records, HISTORY_PER_PAGE).get_page(request.GET.get("p", 1))
        start = page.start_index() - 1
        with_measure = list(records[max(start, 0) : max(start, 0) + HISTORY_PER_PAGE + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of %(row)s") % {"row": row},
            "entries": entries(with_measure)[:HISTORY_PER_PAGE],
            "page": page,
            "object": row,
            "opts": self.opts,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/quita/history.html", context)

    def history_form_view(self, request: HttpRequest, object_id: str, version_id: int) -> HttpResponse:
        """Show one version of a row as it stood; nothing is ever set back from here."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        row = self.get_row(request, object_id)
        if not hasattr(self.model, "history"):
            raise Http404
        record = self.model.history.filter(**{self.opts.pk.attname: row.pk, "history_id": version_id}).first()
        if record is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(row)s as it stood") % {"row": row},
            "record": entries([record])[0],
            "values": values_of(record),
            "object": row,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/quita/version.html", context)


class ReadOnlyAdmin(HouseAdmin):
    """Rows that no form writes: shown, searched, never typed into."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditedAdmin(HouseAdmin):
    """Cadastros: saved with a history row signed by the person; codes that postings rest on are fixed once made."""

    fixed_once_made: ClassVar[tuple[str, ...]] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, *self.fixed_once_made] if obj else fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        obj.save_as(Actor.person(request.user))
