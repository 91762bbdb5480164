"""The only doors to a change of status: `move()` for one row, `move_many()` for a batch. History is written by both."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import connection, models
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from receivables.domain.errors import MoveRefused
from receivables.models.audited import Actor, AuditedModel
from receivables.services.rows import array, execute, has_arrays, insert_new, quoted, update_rows


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


class Step(NamedTuple):
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
    before: dict[int, dict[str, Any]] = {}
    for step in steps:
        row = step.verb.__self__  # type: ignore[attr-defined]
        pk = row.pk
        if rows.setdefault(pk, row) is not row:
            raise ValueError("two instances of one row in a batch")
        if pk not in before:
            before[pk] = dict(vars(row))
        run(step.verb, **step.values)
        reasons[pk], verbs[pk] = step.because, step.verb.__name__
    changed = {name for pk, row in rows.items() for name in _differing(before[pk], vars(row))}
    write_many(list(rows.values()), reasons=reasons, verbs=verbs, by=by, only=changed)


def _differing(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Give the attributes that were set to something since."""
    return (name for name, value in after.items() if name not in before or before[name] is not value)


def write_many(
    rows: Sequence[AuditedModel],
    *,
    reasons: dict[int, str],
    by: Actor,
    verbs: dict[int, str] | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Write rows of one model that were changed in memory, and their history, set-based.

    `verbs` name the moves, `only` the attributes that may have changed: all of them where it is absent.
    """
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if _is_written(field, only)]
    for row in rows:
        if hasattr(row, "version"):
            row.version += 1
    update_rows(model, fields, rows)
    record_history(model, [row.pk for row in rows], reasons=reasons, verbs=verbs, by=by)


def _is_written(field: models.Field, only: Collection[str] | None) -> bool:
    return not field.primary_key and (only is None or field.attname in only or field.attname == "version")


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
    reasons, verbs = reasons or {}, verbs or {}
    told = [[pk, reasons.get(pk) or None, verbs.get(pk, "")] for pk in ids]
    if not told:
        return
    given = [array(column) for column in zip(*told, strict=True)] if has_arrays() else [json.dumps(told)]
    execute(_history_sql(model), [_now(), kind, by.user_id, by.name, by.channel, *given])


@cache
def _history_sql(model: type[models.Model]) -> str:
    history = model.history.model  # type: ignore[attr-defined]
    tracked = [field.column for field in history.tracked_fields if field.column not in ("actor", "channel")]
    source = (
        "unnest(%s::bigint[], %s::text[], %s::text[]) AS r(id, reason, verb)"
        if has_arrays()
        else "(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS reason, "
        "json_extract(value, '$[2]') AS verb FROM json_each(%s)) AS r"
    )
    names = ", ".join(quoted(column) for column in tracked)
    values = ", ".join(f"t.{quoted(column)}" for column in tracked)
    return (
        f"INSERT INTO {quoted(history._meta.db_table)} ({names}, history_date, history_type, history_user_id, "
        f"actor, channel, history_change_reason, move) SELECT {values}, %s, %s, %s, %s, %s, r.reason, r.verb "
        f"FROM {source} JOIN {quoted(model._meta.db_table)} AS t ON t.{quoted(model._meta.pk.column)} = r.id"
    )


def _now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())


def create_audited(rows: Sequence[Any], *, by: Actor, because: str = "") -> list[Any]:
    """Insert rows of one audited model together with their history rows."""
    if not rows:
        return []
    model = type(rows[0])
    created = insert_new(rows)
    record_history(model, [row.pk for row in created], by=by, kind="+", reasons={row.pk: because for row in created})
    return created
