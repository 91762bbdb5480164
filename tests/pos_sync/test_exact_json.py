"""Exact JSON: nothing of what was sent is lost, and no depth, number or character breaks the reading."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_sync.exact_json import NumberLiteral, canonical_json, read_json, write_json

DEEPER_THAN_THE_STACK = 3_000


def is_one_text(text: str) -> bool:
    """Say whether no two lone surrogates stand side by side: JSON would read them as one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") == text


texts = st.text(st.characters(exclude_categories=())).filter(is_one_text)
literals = st.sampled_from(["5000.0", "1e400", "-0.10", "NaN", "-Infinity", "9" * 5_000]).map(NumberLiteral)
scalars = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | texts
plain_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)
values = st.recursive(
    scalars | literals, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)


def nested(text: str) -> str:
    return "[" * DEEPER_THAN_THE_STACK + text + "]" * DEEPER_THAN_THE_STACK


def unwrapped(value: Any) -> Any:
    for _ in range(DEEPER_THAN_THE_STACK):
        (value,) = value
    return value


@settings(deadline=None)
@given(value=values, ascii_only=st.booleans())
def test_what_is_written_reads_back_the_same(value: object, ascii_only: bool) -> None:
    assert read_json(write_json(value, ascii_only=ascii_only)) == value


@given(value=values)
def test_ascii_text_is_ascii(value: object) -> None:
    assert write_json(value, ascii_only=True).isascii()


@given(value=values, ascii_only=st.booleans())
def test_all_that_is_written_fits_utf_8(value: object, ascii_only: bool) -> None:
    write_json(value, ascii_only=ascii_only).encode()
    canonical_json(value).encode()


@given(value=plain_values)
def test_a_literal_beside_it_changes_nothing_in_how_a_value_is_written(value: object) -> None:
    beside = [value, NumberLiteral("1.0")]
    assert canonical_json(beside) == f"[{canonical_json(value)},1.0]"
    assert write_json(beside, ascii_only=True) == f"[{write_json(value, ascii_only=True)},1.0]"


@settings(max_examples=30, deadline=None)
@given(value=values)
def test_the_deep_reader_and_writer_agree_with_the_fast_ones(value: object) -> None:
    text = write_json(value, ascii_only=True)
    read = read_json(nested(text))
    assert unwrapped(read) == value
    assert write_json(read, ascii_only=True) == nested(text)
    assert canonical_json(read) == nested(canonical_json(value))


@given(value=st.dictionaries(texts, values, max_size=6))
def test_the_canonical_form_forgets_the_order_of_keys(value: dict[str, object]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_a_hundred_thousand_levels_are_read_and_written() -> None:
    text = '{"a":[' * 50_000 + "]}" * 50_000
    assert canonical_json(read_json(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "  ", "nul", "[01]", "[1.]", "{1:2}", '{"a" 1}', '"\x01"', '"\\ud8', "[1]]", "[1,]", '{"a":1,}', "[1 2]"],
)
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_no_json_is_refused(text: str, deep: bool) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - both json's error and our own are plain ValueErrors
        read_json(nested(text) if deep and text.strip() else text)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 5_000 + "]" * 4_999, '{"a":' * 5_000, "[" * 5_000 + "]" * 5_001])
def test_brackets_that_do_not_close_are_refused_at_any_depth(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_json(text)


def test_the_last_of_equal_keys_wins() -> None:
    assert read_json('{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("text", ["5000.0", "1e400", "-0.10", "1E5", "NaN", "Infinity", "-Infinity", "1" * 21])
def test_numbers_that_are_no_plain_integers_stay_their_text(text: str) -> None:
    assert read_json(f"[{text}]") == [NumberLiteral(text)]


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-0", 0), ("-7", -7), ("9" * 20, int("9" * 20))])
def test_plain_integers_are_integers(text: str, value: int) -> None:
    read = read_json(text)
    assert read == value
    assert type(read) is int
