"""`manage.py import_titles`: shows what a spreadsheet of titles would do, and does it with `--apply` (G.25)."""

import json
from argparse import ArgumentParser
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from receivables.domain.money import format_brl
from receivables.domain.spreadsheet import Problem
from receivables.models import Actor
from receivables.services.spreadsheet import read_spreadsheet
from receivables.services.title_import import TitleImport, import_titles


class Command(BaseCommand):
    help = "Import titles from a CSV or XLSX file; without --apply only says what would happen. Exits 1 on any problem."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV separated by semicolons (UTF-8 or Windows-1252), or XLSX")
        parser.add_argument("--apply", action="store_true", help="write the new titles, all or none")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *_args: Any, file: Path, apply: bool, as_json: bool, **_options: Any) -> None:
        """Read, check or import, and say it; a problem is exit code 1."""
        report = import_titles(
            spreadsheet=read_spreadsheet(file),
            by=Actor(name="import_titles", channel="import"),
            on=timezone.localdate(),
            apply=apply,
            because=file.name,
        )
        self.stdout.write(
            json.dumps(as_object(report), ensure_ascii=False) if as_json else as_text(report, apply=apply)
        )
        if report.problems:
            count = len(report.problems)
            raise CommandError(
                ngettext("%(count)d problem: nothing was imported.", "%(count)d problems: nothing was imported.", count)
                % {"count": count}
            )


def as_object(report: TitleImport) -> dict[str, Any]:
    """Give the report as machines read it."""
    return {
        "rows": report.rows,
        "new": report.new,
        "known": report.known,
        "problems": [_problem(problem) for problem in report.problems],
        "notes": [_problem(note) for note in report.notes],
        "applied": report.applied,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {"line": problem.line, "field": problem.field, "code": problem.rule.code, "message": told(problem)}


def as_text(report: TitleImport, *, apply: bool) -> str:
    """Give the report as a person reads it, in the order of the lines."""
    lines = [_line(problem) for problem in report.problems]
    lines += [_("Note: %(note)s") % {"note": _line(note)} for note in report.notes]
    counts = {"rows": report.rows, "new": report.new, "known": report.known}
    lines.append(_("Installments in the file: %(rows)d; new: %(new)d; already known: %(known)d.") % counts)
    if report.applied:
        lines.append(_("The new installments were imported.") if report.new else _("There was nothing new to import."))
    elif not apply and not report.problems:
        lines.append(_("Nothing was written: this was a rehearsal. Use --apply to import."))
    return "\n".join(lines)


def _line(problem: Problem) -> str:
    where = {"line": problem.line, "field": problem.field, "message": told(problem)}
    if not problem.line:
        return _("File: %(message)s") % where
    if not problem.field:
        return _("Line %(line)d: %(message)s") % where
    return _("Line %(line)d, %(field)s: %(message)s") % where


def told(problem: Problem) -> str:
    """Tell a problem in the reader's language, dates and amounts as Brazilians write them."""
    return problem.rule.explain(translate=_, show=_shown)


def _shown(fact: object) -> str:
    if isinstance(fact, date):
        return f"{fact:%d/%m/%Y}"
    if isinstance(fact, Decimal):
        return format_brl(fact) if fact == fact.quantize(Decimal("0.01")) else str(fact).replace(".", ",")
    return ", ".join(map(_shown, fact)) if isinstance(fact, list) else str(fact)
