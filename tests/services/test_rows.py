"""Many rows in one statement: each instance has the key of its own row, in whatever order a database returns them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from receivables.models import Holiday
from receivables.services.rows import draw_keys, insert_absent, insert_new, insert_rows, sent_ahead, update_rows

FIRST = date(2020, 1, 1)


@contextmanager
def returned_in_any_order(chance: Random) -> Iterator[None]:
    """Have RETURNING promise no more than databases do: the rows, in some order."""
    said = [""]

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        said[0] = sql
        return execute(sql, params, many, context)

    def shuffled(cursor: CursorWrapper) -> list[Any]:
        rows = cursor.cursor.fetchall()
        if said[0].rpartition(" RETURNING ")[1] and "ORDER BY" not in said[0]:
            chance.shuffle(rows)
        return rows

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(listen):
        patch.setattr(CursorWrapper, "fetchall", shuffled, raising=False)
        yield


class EachInstanceHasItsOwnKey(TestCase):
    @settings(max_examples=20, deadline=None)
    @given(
        days=st.lists(st.integers(0, 5_000), min_size=1, max_size=300, unique=True),
        before=st.integers(0, 3),
        chance=st.randoms(use_true_random=False),
    )
    def test_many_rows_in_any_order(self, days: list[int], before: int, chance: Random) -> None:
        """Also where the table, and its sequence, have been used before."""
        insert_new([Holiday(day=FIRST - timedelta(days=1 + each), name="before") for each in range(before)])
        instances = [Holiday(day=FIRST + timedelta(days=each), name=f"day {each}") for each in days]
        with returned_in_any_order(chance), CaptureQueriesContext(connection) as statements:
            insert_new(instances)
        assert len(statements) == 2  # keys are drawn, then all rows are inserted
        written = {row.pk: (row.day, row.name) for row in Holiday.objects.all()}
        assert {row.pk: (row.day, row.name) for row in instances}.items() <= written.items()
        assert len(written) == len(days) + before


@pytest.mark.django_db
def test_keys_go_on_where_they_ended_whoever_drew_the_last() -> None:
    (keys,) = draw_keys((Holiday, 2))
    first, second = keys
    insert_rows(Holiday, [{"day": FIRST + timedelta(days=each)} for each in (1, 0)], common={"name": "x"}, keys=keys)
    saved = Holiday(day=FIRST + timedelta(days=2), name="saved")
    saved.save()
    insert_rows(Holiday, [{"day": FIRST + timedelta(days=3)}], common={"name": "x"})
    last = Holiday.objects.get(day=FIRST + timedelta(days=3)).pk
    assert len({first, second, saved.pk, last}) == 4
    assert (first, saved.pk) == (max(first, second) - 1, last - 1)


@pytest.mark.django_db
def test_what_is_let_pass_by_is_not_given() -> None:
    rows = [{"day": FIRST + timedelta(days=each), "name": str(each)} for each in range(3)]
    insert_rows(Holiday, rows[:1])
    assert set(insert_absent(Holiday, rows, common={}, unique="day", told=("name", "day"))) == {
        (row["name"], row["day"]) for row in rows[1:]
    }


@pytest.mark.django_db
def test_what_is_sent_ahead_is_read_back_and_blocks_within_blocks_are_one() -> None:
    with sent_ahead(), sent_ahead():
        insert_rows(Holiday, [{"day": FIRST, "name": "first"}])
        assert Holiday.objects.get().name == "first"
        holiday = Holiday.objects.get()
        holiday.name = "later"
        update_rows(Holiday, [Holiday._meta.get_field("name")], [holiday])  # type: ignore[list-item]
    assert Holiday.objects.get().name == "later"


@pytest.mark.django_db
def test_what_is_refused_ahead_is_raised_as_the_databases_error_and_leaves_nothing() -> None:
    insert_rows(Holiday, [{"day": FIRST, "name": "there"}])
    with pytest.raises(IntegrityError):
        _insert_ahead(FIRST + timedelta(days=1), FIRST, FIRST + timedelta(days=2))
    assert [row.name for row in Holiday.objects.all()] == ["there"]


@transaction.atomic
def _insert_ahead(*days: date) -> None:
    with sent_ahead():
        for day in days:
            insert_rows(Holiday, [{"day": day, "name": "new"}])
