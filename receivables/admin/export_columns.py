"""Which columns a list gives away: those that it shows, then the plain ones of its noun, never a secret."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from receivables.admin.history import CHANNELS, UNTOLD, Names
from receivables.domain.errors import RuleBroken
from receivables.domain.money import parse_brl

OURS = ("receivables", "pos_sync")
_SECRET = re.compile(r"password|hash|token|secret|_key|pin|idempotency|^raw$|^body$")
_AMOUNT = re.compile(r"-?(?:R\$ ?)?-?\d{1,3}(?:\.\d{3})*,\d{2}")
_DAY = re.compile(r"\d{2}/\d{2}/\d{4}")
_EMPTY = ("—", "-")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its head, and what reads the cells of a chunk of rows."""

    label: Any
    reader: Callable[[Sequence[Any]], Callable[[Any], Any]] = lambda _rows: str


def columns_of(page: Any, request: HttpRequest) -> list[Column]:
    """Give the columns of a list, and the plain columns of its noun that it does not show."""
    names = [name for name in page.get_list_display(request) if name != "action_checkbox"]
    shown = [Column(label_for_field(name, page.model, page), _shown(page, name)) for name in names]
    known = {str(column.label).casefold() for column in shown}
    taken = {*names, *(_sorted_by(page, name) for name in names)}
    plain = [field for field in _plain_fields(page.model) if field.name not in taken]
    return [*shown, *(_column_of(field) for field in plain if str(field.verbose_name).casefold() not in known)]


def _plain_fields(model: type[models.Model]) -> Iterator[models.Field]:
    """Yield the columns of a noun of ours that people read; other apps' lists give what they show and no more."""
    if model._meta.app_label not in OURS:
        return
    for field in model._meta.concrete_fields:
        is_opaque = isinstance(field, models.BinaryField | models.JSONField) or field.primary_key
        if not (is_opaque or field.name in UNTOLD or _SECRET.search(field.name)):
            yield field


def _sorted_by(page: Any, name: str) -> str:
    return str(getattr(getattr(page, name, None), "admin_order_field", "") or "").lstrip("-")


def _shown(page: Any, name: str) -> Callable[[Sequence[Any]], Callable[[Any], Any]]:
    def read(row: Any) -> Any:
        try:
            field, _attribute, value = lookup_field(name, row, page)
        except ObjectDoesNotExist:
            return None
        return _as_told(value) if field is None else _of_field(field, row, value)

    return lambda _rows: read


def _of_field(field: Any, row: Any, value: Any) -> Any:
    if getattr(field, "flatchoices", None):
        return str(dict(field.flatchoices).get(value, value))
    return str(value) if isinstance(value, models.Model) else value


def _as_told(value: Any) -> Any:
    """Turn what a page's own column shows back into a value: tags go, amounts and days become what they are."""
    text = unescape(strip_tags(value)) if isinstance(value, SafeString) else value
    if not isinstance(text, str):
        return str(text) if isinstance(text, models.Model) or not _is_plain(text) else text
    if text in _EMPTY:
        return None
    try:
        if _AMOUNT.fullmatch(text):
            return parse_brl(text)
        return datetime.strptime(text, "%d/%m/%Y").date() if _DAY.fullmatch(text) else text  # noqa: DTZ007 - a day
    except (RuleBroken, ValueError):
        return text


def _is_plain(value: Any) -> bool:
    return value is None or type(value).__module__ in ("builtins", "datetime", "decimal")


def _column_of(field: models.Field) -> Column:
    """Give the column of a plain field; rows that it points to are named once for each chunk."""

    def reader(rows: Sequence[Any]) -> Callable[[Any], Any]:
        if not field.is_relation:
            return lambda row: _of_plain(field, row)
        model = field.related_model
        names = Names((model, getattr(row, field.attname)) for row in rows if getattr(row, field.attname) is not None)

        def name(row: Any) -> str | None:
            key = getattr(row, field.attname)
            return None if key is None else names.of(model, key)

        return name

    return Column(field.verbose_name, reader)


def _of_plain(field: models.Field, row: Any) -> Any:
    value = getattr(row, field.attname)
    if field.name == "channel":
        return str(CHANNELS.get(value, value))
    return _of_field(field, row, value)
