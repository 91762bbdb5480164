"""The only doors to a change of status: `move()` for one row, `move_many()` for a batch. History is written by both."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from receivables.domain.errors import MoveRefused
from receivables.models.audited import Actor, AuditedModel


def move(verb: Callable[..., Any], *, by: Actor, because: str = "", **values: Any) -> Any:
    """Run a bound transition on a locked row and save what it changed, with its history row.

    Raises MoveRefused when the row's status does not allow the move.
    """
    row = verb.__self__  # type: ignore[attr-defined]
    changed = _changed_by(verb, values)
    row.save_as(by, because=because, fields=changed, move=verb.__name__)
    return row


def _changed_by(verb: Callable[..., Any], values: dict[str, Any]) -> set[str]:
    row = verb.__self__  # type: ignore[attr-defined]
    before = _values(row)
    run(verb, **values)
    after = _values(row)
    return {name for name in after if before[name] != after[name]}


def run(verb: Callable[..., Any], **values: Any) -> None:
    """Run a bound transition in memory, turning a refusal into ours."""
    row = verb.__self__  # type: ignore[attr-defined]
    try:
        verb(**values)
    except TransitionNotAllowed as refusal:
        field = verb._django_fsm.field  # type: ignore[attr-defined]
        raise MoveRefused(
            noun=str(row), status=getattr(row, field.name), verb=verb.__name__, model=row._meta.label_lower
        ) from refusal


def _values(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a batch: a verb bound to a locked row, and what it is given."""

    verb: Callable[..., Any]
    values: dict[str, Any]
    because: str = ""


def move_many(steps: Sequence[Step], *, by: Actor) -> None:
    """Run many moves on locked rows of one model: one UPDATE and one history INSERT, however many rows.

    A row may take several steps; its history keeps where it ended, with the verb and the reason of its last step.
    Raises MoveRefused before anything is written.
    """
    reasons: dict[int, str] = {}
    verbs: dict[int, str] = {}
    rows: dict[int, AuditedModel] = {}
    for step in steps:
        row = step.verb.__self__  # type: ignore[attr-defined]
        if rows.setdefault(row.pk, row) is not row:
            raise ValueError("two instances of one row in a batch")
        run(step.verb, **step.values)
        reasons[row.pk], verbs[row.pk] = step.because, step.verb.__name__
    write_many(list(rows.values()), reasons=reasons, verbs=verbs, by=by)


def write_many(
    rows: Sequence[AuditedModel], *, reasons: dict[int, str], by: Actor, verbs: dict[int, str] | None = None
) -> None:
    """Write rows of one model that were changed in memory, and their history, set-based; `verbs` name the moves."""
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key and _is_written(field)]
    for row in rows:
        if hasattr(row, "version"):
            row.version += 1
    update_rows(model, fields, rows)
    record_history(model, [row.pk for row in rows], reasons=reasons, verbs=verbs, by=by)


def _is_written(field: models.Field) -> bool:
    return not getattr(field, "auto_now_add", False)


def update_rows(model: type[models.Model], fields: Sequence[models.Field], rows: Sequence[models.Model]) -> None:
    """Write the given fields of many rows in one UPDATE; no history, which the caller owes where there is one."""
    table, key = _quoted(model._meta.db_table), model._meta.pk
    columns = [key, *fields]
    assignments = ", ".join(f"{_quoted(f.column)} = v.{_quoted(f.column)}" for f in fields)
    prepared = [[f.get_db_prep_save(getattr(row, f.attname), connection) for f in columns] for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            names = ", ".join(_quoted(f.column) for f in columns)
            arrays = ", ".join(f"%s::{_array_type(f)}[]" for f in columns)
            cursor.execute(
                f"UPDATE {table} AS t SET {assignments} FROM unnest({arrays}) AS v({names}) "
                f"WHERE t.{_quoted(key.column)} = v.{_quoted(key.column)}",
                [list(column) for column in zip(*prepared, strict=True)],
            )
        else:
            picks = ", ".join(f"{_sqlite_pick(f, i)} AS {_quoted(f.column)}" for i, f in enumerate(columns))
            cursor.execute(
                f"UPDATE {table} AS t SET {assignments} FROM (SELECT {picks} FROM json_each(%s)) AS v "
                f"WHERE t.{_quoted(key.column)} = v.{_quoted(key.column)}",
                [json.dumps(prepared, cls=DjangoJSONEncoder)],
            )


def _array_type(field: models.Field) -> str:
    """Name a column's type without its size: `numeric(15, 2)` is `numeric` in an array."""
    declared = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return re.sub(r"\(.*?\)", "", str(declared))


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


def _sqlite_pick(field: models.Field, position: int) -> str:
    pick = f"json_extract(value, '$[{position}]')"
    return f"CAST({pick} AS NUMERIC)" if isinstance(field, models.DecimalField) else pick


def record_history(
    model: type[models.Model],
    ids: Iterable[int],
    *,
    by: Actor,
    reasons: dict[int, str] | None = None,
    verbs: dict[int, str] | None = None,
    kind: str = "~",
) -> None:
    """Write one history row for each id, as the rows stand now, in one statement."""
    history = model.history.model  # type: ignore[attr-defined]
    tracked = [field.column for field in history.tracked_fields if field.column not in ("actor", "channel")]
    pk = _quoted(model._meta.pk.column)
    reasons, verbs = reasons or {}, verbs or {}
    told = [[pk_value, reasons.get(pk_value) or None, verbs.get(pk_value, "")] for pk_value in ids]
    if not told:
        return
    if connection.vendor == "postgresql":
        source = "unnest(%s::bigint[], %s::text[], %s::text[]) AS r(id, reason, verb)"
        given: list[Any] = [list(column) for column in zip(*told, strict=True)]
    else:
        source = (
            "(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS reason, "
            "json_extract(value, '$[2]') AS verb FROM json_each(%s)) AS r"
        )
        given = [json.dumps(told)]
    names = ", ".join(_quoted(column) for column in tracked)
    values = ", ".join(f"t.{_quoted(column)}" for column in tracked)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_quoted(history._meta.db_table)} ({names}, history_date, history_type, history_user_id, "
            f"actor, channel, history_change_reason, move) SELECT {values}, %s, %s, %s, %s, %s, r.reason, r.verb "
            f"FROM {source} JOIN {_quoted(model._meta.db_table)} AS t ON t.{pk} = r.id",
            [_now(), kind, by.user_id, by.name, by.channel, *given],
        )


def _now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())


def create_audited(rows: Sequence[Any], *, by: Actor, because: str = "") -> list[Any]:
    """Insert rows of one audited model together with their history rows."""
    if not rows:
        return []
    model = type(rows[0])
    created = model.objects.insert_unaudited(rows)
    record_history(model, [row.pk for row in created], by=by, kind="+", reasons={row.pk: because for row in created})
    return created
