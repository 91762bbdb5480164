"""Opening a spreadsheet that a person brings: CSV with semicolons (UTF-8 or Windows-1252) or XLSX (G.25).

Only lines and cells are read here; what they mean is for the import that asks.
"""

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from receivables.domain.spreadsheet import (
    DamagedFile,
    EmptySpreadsheet,
    FileNotReadable,
    FileTooLarge,
    MoreValuesThanColumns,
    Problem,
    RepeatedColumn,
    UnknownEncoding,
    UnknownFileFormat,
)

LARGEST_MEGABYTES = 200  # as read into memory: a small archive may hold a very large sheet
_MEGABYTE = 1024 * 1024
_ARCHIVE = b"PK\x03\x04"

Line = tuple[int, list[object]]


@dataclass(slots=True)
class Spreadsheet:
    """The named columns and the lines that are not blank, each with its number; problems already found come along."""

    columns: list[str] = field(default_factory=list)
    rows: list[tuple[int, Mapping[str, object]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_spreadsheet(path: Path) -> Spreadsheet:
    """Read a whole file; what cannot be read is among its problems, never an exception."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except OSError as error:
        rule = FileNotReadable(file=path.name, cause=error.strerror or type(error).__name__)
        return Spreadsheet(problems=[Problem(0, "", rule)])


def _read(file: BinaryIO) -> Spreadsheet:
    content = file.read(LARGEST_MEGABYTES * _MEGABYTE + 1)
    if len(content) > LARGEST_MEGABYTES * _MEGABYTE:
        return Spreadsheet(problems=[Problem(0, "", FileTooLarge(megabytes=LARGEST_MEGABYTES))])
    problems: list[Problem] = []
    lines = _xlsx_lines(content, problems) if content.startswith(_ARCHIVE) else _csv_lines(content, problems)
    return _arrange(lines, problems)


def _arrange(lines: Iterable[Line], problems: list[Problem]) -> Spreadsheet:
    """Name the cells by the first line that is not blank."""
    filled = (line for line in lines if not all(map(_is_blank, line[1])))
    header = next(filled, None)
    if header is None:
        return Spreadsheet(problems=problems or [Problem(0, "", EmptySpreadsheet())])
    names = ["" if _is_blank(cell) else str(cell).strip().casefold() for cell in header[1]]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    problems += [Problem(header[0], name, RepeatedColumn(column=name)) for name in repeated]
    sheet = Spreadsheet(columns=[name for name in dict.fromkeys(names) if name], problems=problems)
    for number, cells in filled:
        if any(not _is_blank(cell) for cell in cells[len(names) :]):
            problems.append(Problem(number, "", MoreValuesThanColumns()))
        sheet.rows.append((number, {name: cell for name, cell in zip(names, cells, strict=False) if name}))
    if not sheet.rows and not problems:
        problems.append(Problem(0, "", EmptySpreadsheet()))
    return sheet


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _csv_lines(content: bytes, problems: list[Problem]) -> Iterator[Line]:
    if b"\0" in content:
        problems.append(Problem(0, "", UnknownFileFormat()))
        return
    text = _decoded(content, problems)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    first = 1
    try:
        for cells in reader:
            yield first, list(cells)
            first = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(first, "", DamagedFile(cause=error)))


def _decoded(content: bytes, problems: list[Problem]) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        problems.append(Problem(content.count(b"\n", 0, error.start) + 1, "", UnknownEncoding()))
        return ""


def _xlsx_lines(content: bytes, problems: list[Problem]) -> list[Line]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        if sum(member.file_size for member in archive.infolist()) > LARGEST_MEGABYTES * _MEGABYTE:
            problems.append(Problem(0, "", FileTooLarge(megabytes=LARGEST_MEGABYTES)))
        elif "xl/workbook.xml" not in archive.namelist():
            problems.append(Problem(0, "", UnknownFileFormat()))
        else:
            return _first_sheet(content)
    except Exception as error:  # noqa: BLE001 - a damaged archive fails in openpyxl, zlib or expat, each its own way
        problems.append(Problem(0, "", DamagedFile(cause=type(error).__name__)))
    return []


def _first_sheet(content: bytes) -> list[Line]:
    """Read formulas as they are written, not as they were last computed."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=False).worksheets[0]
        sheet.reset_dimensions()
        return [(number, list(cells)) for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1)]
