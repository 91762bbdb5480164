"""Lists of any size: rows are counted up to a limit, which is said; sums beyond it are made when asked for, exactly.

What a list shows is in each noun's admin; how words find its rows is in `finding`.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ChangeList
from django.core.paginator import InvalidPage, Paginator
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_COUNTED = 10_000
TOTALS_VAR = "_totals"
"""Asks for the sums of a list that is longer than what is counted."""


class CappedPaginator(Paginator):
    """Pages of the first rows: what is longer is not counted."""

    @cached_property
    def count(self) -> int:
        """Give how many rows there are, the limit where there are more."""
        rows = self.object_list
        return rows.order_by().values("pk")[:MOST_COUNTED].count() if isinstance(rows, QuerySet) else len(rows)

    def get_elided_page_range(self, number: Any = 1, *, on_each_side: int = 1, on_ends: int = 1) -> Any:
        """Give the pages beside this one and at both ends: the foot of a list is one line."""
        return super().get_elided_page_range(number, on_each_side=on_each_side, on_ends=on_ends)


class Keys(RawSQL):
    """Ids that were read, as one parameter: a statement with ten thousand of them is as short as one with ten."""

    def __init__(self, keys: Sequence[int]) -> None:
        self.keys = list(keys)
        super().__init__("", ())

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        return "(SELECT unnest(%s::bigint[]))", [self.keys]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        return "(SELECT value FROM json_each(%s))", [json.dumps(self.keys)]


class HouseChangeList(ChangeList):
    """A list whose filters are worked out once: ids up to the limit, of which a page is shown and all are added up."""

    is_capped = False
    """Whether there are more rows than are counted."""

    def get_results(self, request: HttpRequest) -> None:
        keys = list(self.queryset.values_list("pk", flat=True)[: MOST_COUNTED + 1])
        self.is_capped, self.keys = len(keys) > MOST_COUNTED, keys[:MOST_COUNTED]
        self.paginator = self.model_admin.get_paginator(request, self.keys, self.list_per_page)  # type: ignore[arg-type]
        self.result_count, self.full_result_count = self.paginator.count, None
        self.show_full_result_count, self.show_admin_actions = False, True
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        self.result_list = self._in_full(self._shown())

    def _shown(self) -> Sequence[int]:
        if not self.multi_page or (self.show_all and self.can_show_all):
            return self.keys
        try:
            return self.paginator.page(self.page_num).object_list
        except InvalidPage as beyond:
            raise IncorrectLookupParameters from beyond

    def _in_full(self, keys: Sequence[int]) -> list[Any]:
        rows = self.apply_select_related(self.root_queryset).filter(pk__in=keys) if keys else ()
        found = {row.pk: row for row in rows}
        return [found[key] for key in keys if key in found]

    @property
    def found(self) -> QuerySet:
        """Give all rows that were found, to be added up."""
        return self.queryset if self.is_capped else self.root_queryset.filter(pk__in=Keys(self.keys))


def take_wish_for_totals(request: HttpRequest) -> bool:
    """Say whether the sums are asked for; the address is read without that, and without what a form sent empty."""
    asked = request.GET.copy()
    wish = asked.pop(TOTALS_VAR, None)
    for name in [name for name, values in asked.lists() if name != ALL_VAR and not any(map(str.strip, values))]:
        del asked[name]
    request.GET = asked  # type: ignore[assignment]
    return wish is not None


def totals_of(changelist: Any, *, is_asked: bool) -> dict[str, Any]:
    """Give a list's sums, or the address that asks for them where the list is longer than what is counted."""
    page, rows = changelist.model_admin, changelist.found
    if not changelist.is_capped:
        return {"totals": page.list_totals(rows)}
    if not is_asked:
        return {"totals_address": changelist.get_query_string({TOTALS_VAR: "1"}) if page.has_totals else ""}
    count = rows.order_by().values("pk").count()
    return {"totals": [(changelist.opts.verbose_name_plural, count), *page.list_totals(rows)]}
