"""Every list as a file: XLSX with real numbers and dates, or CSV as Brazilian spreadsheets read it.

What goes out is the list as it is filtered, of the rows that its reader may see, and is written down. A text that a
spreadsheet would take for a formula is made a text again.
"""

import csv
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import TextIOWrapper
from itertools import islice
from typing import IO, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext as _

from receivables.admin.explain import written
from receivables.admin.export_columns import Column, columns_of
from receivables.admin.pages import Page, add_page
from receivables.models import Actor, FileFormat
from receivables.services.exported_list import record_export

MOST_ROWS = {FileFormat.XLSX: 20_000, FileFormat.CSV: 100_000}
"""A workbook is written some three times slower than a CSV: both limits are about half a minute."""
MOST_LINES = 20_000
CHUNK = 1_000
CONTENT_TYPES = {
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.CSV: "text/csv; charset=utf-8",
}
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
_LONGEST_CELL = 32_000


def is_asked(request: HttpRequest) -> bool:
    """Say whether a file is asked for."""
    return request.method == "POST" and request.POST.get("file") in FileFormat.values


def harmless(text: str) -> str:
    """Give a text that no spreadsheet runs: what begins like a formula, be it unseen, gets an apostrophe before it."""
    text = _UNWRITABLE.sub("", text)[:_LONGEST_CELL]
    if text[:1].isalnum():
        return text
    seen = text.lstrip("".join(char for char in set(text) if unicodedata.category(char)[0] in "ZC"))
    unseen = text[: len(text) - len(seen)]
    return f"'{text}" if seen.startswith(_FORMULA) or any(char in unseen for char in "\t\r\n") else text


# Writing


def file_of(
    request: HttpRequest, *, noun: str, title: Any, columns: Sequence[Column], rows: Iterable[Sequence[Any]],
    most: int = MOST_ROWS[FileFormat.CSV],
) -> FileResponse:  # fmt: skip
    """Write at most `most` rows into a file, say so in its last row where there were more, and write down who did."""
    file_format = FileFormat(request.POST["file"])
    most = min(most, MOST_ROWS[file_format])
    # Closed by the response once it is sent.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    counted = _Counted(rows, most)
    write = _write_xlsx if file_format == FileFormat.XLSX else _write_csv
    write(file, title=str(title), heads=[str(capfirst(column.label)) for column in columns], rows=counted)
    query = request.GET.urlencode()
    record_export(
        noun=noun, file_format=file_format, query=query, row_count=counted.count, is_cut=counted.is_cut,
        by=Actor.person(request.user),
    )  # fmt: skip
    file.seek(0)
    name = f"{slugify(str(title))}-{timezone.localdate().isoformat()}.{file_format}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPES[file_format])


class _Counted:
    """Rows up to a limit, how many they were, and a last one that says that there were more."""

    def __init__(self, rows: Iterable[Sequence[Any]], most: int) -> None:
        self._rows, self._most = iter(rows), most
        self.count, self.is_cut = 0, False

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in islice(self._rows, self._most):
            self.count += 1
            yield row
        self.is_cut = next(self._rows, None) is not None
        if self.is_cut:
            limit = f"{self._most:,}".replace(",", ".")
            yield [_("Cut at %(limit)s rows. Narrow the filters to export the others.") % {"limit": limit}]


def _write_csv(file: IO[bytes], *, title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Semicolons, every cell quoted, UTF-8 with the mark by which spreadsheets know it."""
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([harmless(head) for head in heads])
    writer.writerows([_as_text(value) for value in row] for row in rows)
    text.detach()


def _as_text(value: Any) -> str:
    """Write a value as Brazilians type it; numbers without points between the thousands."""
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", ",")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%d/%m/%Y %H:%M:%S}"
    return harmless(_said(value))


def _said(value: Any) -> str:
    """Write a text as it is, and what is neither text, number nor date in the words of the screens."""
    if value is None:
        return ""
    return value if isinstance(value, str) else written(value)


def _write_xlsx(file: IO[bytes], *, title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """One sheet, its head fixed, written row by row: no more than one row is held."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET_NAME.sub(" ", title)[:31])
    sheet.freeze_panes = "A2"
    for place, head in enumerate(heads, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = max(12, min(len(head) + 4, 40))
    cells = [WriteOnlyCell(sheet) for _head in heads]
    for cell, head in zip(cells, heads, strict=True):
        cell.font = Font(bold=True)
        cell.value = harmless(head)
    sheet.append(cells)
    cells = [_Cell(WriteOnlyCell(sheet)) for _head in heads]
    for row in rows:
        sheet.append([cell.filled(value) for cell, value in zip(cells, row, strict=False)])
    book.save(file)


class _Cell:
    """The cell of a column, filled anew for each row: a style costs more than a value."""

    def __init__(self, cell: Any) -> None:
        self._cell, self._format = cell, ""

    def filled(self, value: Any) -> Any:
        """Put in numbers and dates as what they are, and all else as a text that is never a formula."""
        if value is None or value == "":
            return None
        shape, kind, written_so = _shaped(value)
        if shape != self._format:
            self._cell.number_format = self._format = shape
        self._cell.value = written_so
        self._cell.data_type = kind
        return self._cell


def _shaped(value: Any) -> tuple[str, str, Any]:
    """Give the number format, the type of the cell and what is put into it."""
    if isinstance(value, Decimal):
        places = -int(value.as_tuple().exponent)
        return "#,##0.00" if places <= 2 else "#,##0.00##", "n", value
    if isinstance(value, datetime):
        return "dd/mm/yyyy hh:mm:ss", "d", timezone.localtime(value).replace(tzinfo=None)
    if isinstance(value, date):
        return "dd/mm/yyyy", "d", value
    if isinstance(value, int) and not isinstance(value, bool):
        return "0", "n", value
    return "@", "s", harmless(_said(value))


# Lists


@dataclass(frozen=True, slots=True)
class EveryList(Page):
    """The export of any list: who may see the list may export it, and its own page is asked."""

    def is_open_to(self, user: Any) -> bool:
        return user.is_active and user.is_staff


def export_list(request: HttpRequest, app: str, model: str) -> HttpResponseBase:
    """Give the rows of a list, as it is filtered and ordered, in a file."""
    page: Any = next((page for each, page in admin.site._registry.items() if _is_called(each, app, model)), None)
    if page is None or not is_asked(request):
        raise Http404
    if not page.has_view_permission(request):
        raise PermissionDenied
    asked = request.GET.copy()
    for paging in ("p", "all", "e"):
        asked.pop(paging, None)
    request.GET = asked  # type: ignore[assignment]
    rows = _filtered(page, request)
    columns = columns_of(page, request)
    return file_of(
        request, noun=page.opts.label_lower, title=page.opts.verbose_name_plural, columns=columns,
        rows=_values(rows, columns),
    )  # fmt: skip


def _is_called(model: type[models.Model], app: str, name: str) -> bool:
    return (model._meta.app_label, model._meta.model_name) == (app, name)


def _filtered(page: Any, request: HttpRequest) -> models.QuerySet:
    from django.contrib.admin.options import IncorrectLookupParameters

    try:
        rows: models.QuerySet = page.get_changelist_instance(request).queryset
    except IncorrectLookupParameters as unknown:
        raise Http404 from unknown
    return rows


def _values(rows: models.QuerySet, columns: Sequence[Column]) -> Iterator[list[Any]]:
    """Give the cells of each row; what is fetched besides is fetched once for each chunk."""
    every = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(every, CHUNK)):
        readers: list[Callable[[Any], Any]] = [column.reader(chunk) for column in columns]
        for row in chunk:
            yield [read(row) for read in readers]


EXPORT = add_page(EveryList("export", "export/<slug:app>/<slug:model>/", export_list, ()))
