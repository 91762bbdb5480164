"""Read-only tables of related rows under a form: parcels, receipts, movements, slips."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from receivables.admin.explain import written


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell shows; numbers are right-aligned."""

    text: Any
    is_number: bool = False


@dataclass(slots=True)
class Table:
    """A titled table; `empty` says what would be here and how to make it."""

    title: Any
    columns: Sequence[Any]
    empty: Any
    rows: list[list[Cell]] = field(default_factory=list)
    joins: bool = False
    """Whether it stands on the tab of the table before it."""

    @property
    def heads(self) -> list[Cell]:
        """Give the columns' heads, aligned as what stands under them."""
        under = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        return [
            Cell(column, is_number=any(cell.is_number for cell in cells))
            for column, cells in zip(self.columns, under, strict=True)
        ]

    def fill(self, rows: Iterable[Sequence[Any]]) -> "Table":
        """Add a row of values for each item."""
        self.rows += [[cell(value) for value in row] for row in rows]
        return self


@dataclass(slots=True)
class Tab:
    """A part of a row's page that holds tables; its title is that of the first."""

    slug: str
    tables: list[Table]

    @property
    def title(self) -> Any:
        return self.tables[0].title

    @property
    def count(self) -> int:
        return len(self.tables[0].rows)


def tabs_of(tables: Iterable[Table]) -> list[Tab]:
    """Put each table on a tab of its own, or with the one that it joins."""
    tabs: list[Tab] = []
    for table in tables:
        if table.joins and tabs:
            tabs[-1].tables.append(table)
        else:
            tabs.append(Tab(f"tab-{len(tabs) + 1}", [table]))
    return tabs


def cell(value: Any) -> Cell:
    """Write a value for a cell; HTML that is already safe stays as it is."""
    if isinstance(value, SafeString):
        return Cell(value)
    return Cell(written(value), is_number=isinstance(value, Decimal | int) and not isinstance(value, bool))


def chip(status: str, label: Any) -> SafeString:
    """Write a status as a small labelled chip."""
    return format_html('<span class="chip chip-{}">{}</span>', status, label)


def link(row: models.Model | None, text: Any = None) -> SafeString | None:
    """Link to a row's own page."""
    if row is None:
        return None
    return format_html('<a href="{}">{}</a>', change_url(row), text or row)


def change_url(row: models.Model) -> str:
    """Give the address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
