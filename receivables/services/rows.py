"""Many rows of one model in one statement: arrays on PostgreSQL, a JSON document on SQLite.

No history and no law but the database's own: why rows are written is in `moves` and `posting`.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from psycopg import Pipeline

_PLAIN = frozenset({int, bool, Decimal, date, datetime})  # written without quotes


@contextmanager
def sent_ahead() -> Iterator[None]:
    """Send this module's inserts and updates without waiting for their answers: PostgreSQL writes meanwhile (ADR 0020).

    Nothing else belongs into the block: the ORM would take a row whose UPDATE is not answered yet for a missing one,
    and who asks waits for all that was sent before. What the database refuses is raised at one of the next statements,
    at the latest when the block ends.
    """
    if not has_arrays() or _pipeline.get() is not None:
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline() as pipeline:
        before = _pipeline.set(pipeline)
        try:
            yield
        finally:
            _pipeline.reset(before)


_pipeline: ContextVar[Pipeline | None] = ContextVar("_pipeline", default=None)


def draw_keys(*wanted: tuple[type[models.Model], int]) -> list[list[int]]:
    """Draw keys of rows that will be inserted, so many of each model: others may name them before they are there.

    Within the transaction that inserts them: SQLite promises them to nobody else only as long as that one writes.
    """
    if not has_arrays():
        return [_next_keys(model, how_many) for model, how_many in wanted]
    sequence = "(SELECT CAST(pg_get_serial_sequence(%s, %s) AS regclass))"
    drawn = ", ".join([f"ARRAY(SELECT nextval({sequence}) FROM generate_series(1, %s))"] * len(wanted))
    given = [(quoted(model._meta.db_table), model._meta.pk.column, how_many) for model, how_many in wanted]
    return [list(keys) for keys in _fetch(f"SELECT {drawn}", list(chain.from_iterable(given)))[0]]


def _next_keys(model: type[models.Model], how_many: int) -> list[int]:
    """SQLite has one writer: nobody else draws from the sequence meanwhile."""
    sql = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = %s"
    ((last,),) = _fetch(sql, [model._meta.db_table])
    return list(range(last + 1, last + 1 + how_many))


def insert_rows(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    common: Mapping[str, Any] | None = None,
    keys: Sequence[int] | None = None,
) -> None:
    """Insert rows, given by their attributes.

    `common` is what all of them share; what neither names takes its field's default. Who wants to know their keys draws
    them before: no database promises in which order it inserts what it selects, or returns it.
    """
    if rows:
        execute(*_insertion(model, rows, common or {}, keys))


def insert_absent(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    common: Mapping[str, Any],
    unique: str = "",
    told: Sequence[str] = ("id",),
) -> list[tuple[Any, ...]]:
    """Insert the rows that are not there, in their order; give the columns `told` of each that was inserted, in none.

    There is a row with the same value in the `unique` column, with none one that any unique constraint knows.
    """
    if not rows:
        return []
    sql, given = _insertion(model, rows, common)
    conflict = f"ON CONFLICT ({quoted(unique)})" if unique else "ON CONFLICT"
    return _fetch(f"{sql} WHERE true {conflict} DO NOTHING RETURNING {', '.join(map(quoted, told))}", given)


def _insertion(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    common: Mapping[str, Any],
    keys: Sequence[int] | None = None,
) -> tuple[str, list[Any]]:
    shared = {field.attname: field.get_default() for field in model._meta.concrete_fields} | dict(common)
    columns: dict[str, Sequence[Any]]
    columns = {name: [row.get(name, shared[name]) for row in rows] for name in {name for row in rows for name in row}}
    if keys is not None:
        columns[model._meta.pk.attname] = keys
    form = _insert_form(model, frozenset(columns))
    alike = [field.get_db_prep_save(shared[field.attname], connection) for field in form.alike]
    return form.sql, [*alike, *_given(form.own, [columns[field.attname] for field in form.own])]


@dataclass(frozen=True, slots=True)
class _Form:
    """How rows that name the same attributes are inserted: the fields of those, the fields alike in all, the SQL."""

    own: tuple[models.Field, ...]
    alike: tuple[models.Field, ...]
    sql: str


@cache
def _insert_form(model: type[models.Model], named: frozenset[str]) -> _Form:
    fields = model._meta.concrete_fields
    own = tuple(field for field in fields if field.attname in named)
    alike = tuple(field for field in fields if field.attname not in named and not field.primary_key)
    columns = ", ".join(quoted(field.column) for field in (*own, *alike))
    places = ", ".join([*(f"v.{quoted(field.column)}" for field in own), *map(_constant, alike)])
    into = f"INSERT INTO {quoted(model._meta.db_table)} ({columns})"
    return _Form(own, alike, f"{into} SELECT {places} FROM {_source(own)}")


def insert_new(instances: Sequence[Any]) -> list[Any]:
    """Insert new instances of one model in their order and give them, with their keys."""
    if not instances:
        return []
    model = type(instances[0])
    names = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
    (keys,) = draw_keys((model, len(instances)))
    insert_rows(model, [{name: getattr(row, name) for name in names} for row in instances], keys=keys)
    database = connection.alias
    for row, key in zip(instances, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, database
    return list(instances)


def update_rows(model: type[models.Model], fields: Sequence[models.Field], rows: Sequence[models.Model]) -> None:
    """Write the given fields of many rows in one UPDATE; no history, which the caller owes where there is one."""
    given = (model._meta.pk, *fields)
    execute(
        _update_sql(model, given), _given(given, [[getattr(row, field.attname) for row in rows] for field in given])
    )


@cache
def _update_sql(model: type[models.Model], given: tuple[models.Field, ...]) -> str:
    key, *fields = (quoted(field.column) for field in given)
    assignments = ", ".join(f"{column} = v.{column}" for column in fields)
    return f"UPDATE {quoted(model._meta.db_table)} AS t SET {assignments} FROM {_source(given)} WHERE t.{key} = v.{key}"


def execute(sql: str, given: Sequence[Any]) -> None:
    """Run a statement that changes rows, and ask for nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
    if (pipeline := _pipeline.get()) is not None:
        # A Sync that nobody waits for: only after one does PostgreSQL count how long a transaction idles, and so ends
        # that of a worker which stands still with all its locks.
        pipeline.pgconn.pipeline_sync()
        pipeline.result_queue.append(None)


def _fetch(sql: str, given: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())


def _source(fields: Sequence[models.Field]) -> str:
    """Give, in SQL, the table `v` that holds these columns."""
    if has_arrays():
        names = ", ".join(quoted(field.column) for field in fields)
        arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
        return f"unnest({arrays}) AS v({names})"
    picks = ", ".join(f"{_sqlite_pick(field, i)} AS {quoted(field.column)}" for i, field in enumerate(fields))
    return f"(SELECT {picks} FROM json_each(%s)) AS v"


def _given(fields: Sequence[models.Field], columns: Sequence[Sequence[Any]]) -> list[str]:
    """Give the parameters of `_source`."""
    if has_arrays():
        return [_array(*pair) for pair in zip(fields, columns, strict=True)]
    return [_document(fields, columns)]


def _constant(field: models.Field) -> str:
    """PostgreSQL has to be told what a value is that stands alone; SQLite would take a cast day for a number."""
    return f"CAST(%s AS {_type(field)})" if has_arrays() else "%s"


def has_arrays() -> bool:
    """Say whether rows are given as arrays, by PostgreSQL; SQLite takes a JSON document."""
    return connection.vendor == "postgresql"


def quoted(name: str | None) -> str:
    """Quote a name of ours for the database."""
    return connection.ops.quote_name(str(name))


# PostgreSQL


def _type(field: models.Field) -> str:
    """Name a column's type without its size: `numeric(15, 2)` is `numeric` in an array."""
    declared = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return re.sub(r"\(.*?\)", "", str(declared))


def _array(field: models.Field, values: Sequence[Any]) -> str:
    if isinstance(field, models.JSONField):
        values = [None if value is None else json.dumps(value, cls=field.encoder) for value in values]
    return array(values)


def array(values: Collection[Any]) -> str:
    """Write texts, numbers, dates, instants, booleans and None as a PostgreSQL array.

    The driver would ask for each element how it is written, which takes five times as long.
    """
    kinds = set(map(type, values))
    if kinds <= _PLAIN:
        return f"{{{','.join(map(str, values))}}}"
    written = ["NULL" if value is None else str(value) if type(value) in _PLAIN else _text(value) for value in values]
    return f"{{{','.join(written)}}}"


def _text(value: Any) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# SQLite


def _document(fields: Sequence[models.Field], columns: Sequence[Sequence[Any]]) -> str:
    prepared = [
        [field.get_db_prep_save(value, connection) for value in values]
        for field, values in zip(fields, columns, strict=True)
    ]
    return json.dumps(list(zip(*prepared, strict=True)), cls=DjangoJSONEncoder)


def _sqlite_pick(field: models.Field, position: int) -> str:
    pick = f"json_extract(value, '$[{position}]')"
    return f"CAST({pick} AS NUMERIC)" if isinstance(field, models.DecimalField) else pick
