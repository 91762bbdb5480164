"""Many rows of one model in one statement: arrays on PostgreSQL, a JSON document on SQLite.

No history and no law but the database's own: why rows are written is in `moves` and `posting`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

_PLAIN = frozenset({int, bool, Decimal, date, datetime})  # written without quotes


def insert_rows(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    common: Mapping[str, Any] | None = None,
    on_conflict: str = "",
    returning: str = "id",
) -> list[Any]:
    """Insert rows, given by their attributes, and give the key of each, in their order.

    `common` is what all of them share; what neither names takes its field's default. With `on_conflict` or another
    column as `returning` it is given in no order, and what is let pass by is not given.
    """
    if not rows:
        return []
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    shared = {field.attname: field.get_default() for field in fields} | dict(common or {})
    named = {name for row in rows for name in row}
    own = [field for field in fields if field.attname in named]
    alike = [field for field in fields if field.attname not in named]
    values = [[row.get(field.attname, shared[field.attname]) for row in rows] for field in own]
    source, given = _source(own, values)
    columns = ", ".join(quoted(field.column) for field in (*own, *alike))
    places = ", ".join([*(f"v.{quoted(field.column)}" for field in own), *map(_constant, alike)])
    constants = [field.get_db_prep_save(shared[field.attname], connection) for field in alike]
    table, pk = model._meta.db_table, model._meta.pk.column
    key = quoted(pk)
    if on_conflict or returning != pk:
        sql = f"INSERT INTO {quoted(table)} ({columns}) SELECT {places} FROM {source} WHERE true {on_conflict}"
        return _column(f"{sql} RETURNING {quoted(returning)}", [*constants, *given])
    # Each row's key is drawn beside it: no database promises in which order it inserts what it selects, or returns it.
    into = f"INSERT INTO {quoted(table)} ({key}, {columns})"
    if connection.vendor == "postgresql":
        return _column(
            f"WITH v AS MATERIALIZED (SELECT v.*, nextval(keys) AS {key} FROM {source}, "
            f"CAST(pg_get_serial_sequence('{quoted(table)}', '{pk}') AS regclass) AS keys), "
            f"written AS ({into} SELECT v.{key}, {places} FROM v) SELECT {key} FROM v ORDER BY nth",
            [*given, *constants],
        )
    # One writer: nobody else draws from the sequence meanwhile.
    last = f"(SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = '{table}')"
    sql = f"{into} SELECT {last} + v.nth, {places} FROM {source} WHERE true RETURNING {key}"
    return sorted(_column(sql, [*constants, *given]))


def _column(sql: str, given: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return [value for (value,) in cursor.fetchall()]


def insert_new(instances: Sequence[Any]) -> list[Any]:
    """Insert new instances of one model in their order and give them, with their keys."""
    if not instances:
        return []
    model = type(instances[0])
    names = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
    keys = insert_rows(model, [{name: getattr(row, name) for name in names} for row in instances])
    for row, key in zip(instances, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, connection.alias
    return list(instances)


def update_rows(model: type[models.Model], fields: Sequence[models.Field], rows: Sequence[models.Model]) -> None:
    """Write the given fields of many rows in one UPDATE; no history, which the caller owes where there is one."""
    key = model._meta.pk
    columns = [key, *fields]
    source, given = _source(columns, [[getattr(row, field.attname) for row in rows] for field in columns])
    assignments = ", ".join(f"{quoted(field.column)} = v.{quoted(field.column)}" for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted(model._meta.db_table)} AS t SET {assignments} FROM {source} "
            f"WHERE t.{quoted(key.column)} = v.{quoted(key.column)}",
            given,
        )


def _source(fields: Sequence[models.Field], columns: Sequence[Sequence[Any]]) -> tuple[str, list[str]]:
    """Give the table `v` that holds these columns and `nth`, a row's number from 1 on, in SQL, and its parameters."""
    if connection.vendor == "postgresql":
        names = ", ".join(quoted(field.column) for field in fields)
        arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
        given = [_array(*pair) for pair in zip(fields, columns, strict=True)]
        return f"unnest({arrays}) WITH ORDINALITY AS v({names}, nth)", given
    picks = ", ".join(f"{_sqlite_pick(field, i)} AS {quoted(field.column)}" for i, field in enumerate(fields))
    return f"(SELECT {picks}, key + 1 AS nth FROM json_each(%s)) AS v", [_document(fields, columns)]


def _constant(field: models.Field) -> str:
    """PostgreSQL has to be told what a value is that stands alone; SQLite would take a cast day for a number."""
    return f"CAST(%s AS {_type(field)})" if connection.vendor == "postgresql" else "%s"


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


def array(values: Iterable[Any]) -> str:
    """Write texts, numbers, dates, instants, booleans and None as a PostgreSQL array.

    The driver would ask for each element how it is written, which takes five times as long.
    """
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
