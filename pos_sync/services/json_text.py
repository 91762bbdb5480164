"""Rows that the database itself writes as JSON text: several times quicker than values that Python would write.

Columns may not be null. What is told of which row is in `window`.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice, zip_longest
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

_GAP = "\N{SECTION SIGN}"
_SHAPES = {"plain": f'"{_GAP}"', "pair": f'"{_GAP}/{_GAP}"'}
_SQL = {
    "postgresql": {"cents": "CAST({} * 100 AS bigint)", "text": "to_json(CAST({} AS text))"},
    "sqlite": {"cents": "CAST(ROUND({} * 100) AS integer)", "text": "json_quote({})"},
}
_FLAG = "CASE WHEN {} THEN 'true' ELSE 'false' END"

Shape = Mapping[str, tuple[str, ...]]
"""A JSON object: its members in their order, each with how it is written and the columns that it is made of.

`number`, `cents`, `text` and `flag` are what they say; `plain` is text that never needs escaping (keys, dates, codes),
`pair` is two numbers, as `1/3`.
"""


def read_as_json(
    rows: QuerySet[Any], shape: Shape, *, beside: Sequence[tuple[str, str]] = (), at_once: int
) -> Generator[list[tuple[Any, ...]]]:
    """Read each row as its JSON text and what is wanted `beside` it (how, column), in their order, so many at once.

    `rows` are ordered, upwards, by columns that are told. They come while the database still writes the next ones: ask
    it for nothing else before the last have come, and close what is not read to its end.
    """
    members = [*shape.values(), *beside]
    columns = [(how, column) for how, *some in members for column in some]
    try:
        source, given = rows.values_list(*(column for _how, column in columns)).query.sql_with_params()
    except EmptyResultSet:
        return
    names = [f"c{place}" for place in range(len(columns))]
    places = {column: name for (_how, column), name in zip(columns, names, strict=True)}
    order = ", ".join(places[str(column)] for column in rows.query.order_by)
    written = [_written(how, name) for (how, _column), name in zip(columns, names, strict=True)]
    told = ", ".join([_object(shape, written), *written[len(columns) - len(beside) :]])
    # The rows within are in order before they are written, and the order without costs nothing more: texts are four
    # times as long, and would be put in order on disc.
    sql = f"WITH n({', '.join(names)}) AS ({source}) SELECT {told} FROM n ORDER BY {order}"
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(sql, given)
            while some := cursor.fetchmany(at_once):
                yield some
            return
        with connection.wrap_database_errors, closing(cursor.cursor.stream(sql, given, size=at_once)) as stream:
            while some := list(islice(stream, at_once)):
                yield some


def _object(shape: Shape, written: Sequence[str]) -> str:
    """Write the SQL of an object whose columns are written so."""
    members = [f'"{name}":{_SHAPES.get(how, _GAP)}' for name, (how, *_columns) in shape.items()]
    texts = [f"'{text}'" for text in f"{{{','.join(members)}}}".split(_GAP)]
    pieces = [piece for piece in chain(*zip_longest(texts, written[: len(texts) - 1])) if piece is not None]
    # Every || of PostgreSQL copies what is written so far; SQLite got its concat() late.
    return f"concat({', '.join(pieces)})" if connection.vendor == "postgresql" else " || ".join(pieces)


def _written(how: str, column: str) -> str:
    return {"flag": _FLAG, **_SQL[connection.vendor]}.get(how, "{}").format(column)
