"""Reading answers strictly: what is absent or of another type breaks the contract, by name."""

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from typing import Any, TypeVar

from pos_sync.simulator.errors import ContractBroken
from pos_sync.simulator.journal import Json

T = TypeVar("T")


def _read(row: Json, name: str, kind: type, *, where: str) -> Any:
    value = row.get(name)
    if type(value) is not kind:
        raise ContractBroken(f"{where}: {name} should be {kind.__name__} and is {value!r}")
    return value


def text(row: Json, name: str, *, where: str) -> str:
    value: str = _read(row, name, str, where=where)
    return value


def integer(row: Json, name: str, *, where: str) -> int:
    value: int = _read(row, name, int, where=where)
    return value


def flag(row: Json, name: str, *, where: str) -> bool:
    value: bool = _read(row, name, bool, where=where)
    return value


def mapping(row: Json, name: str, *, where: str) -> Json:
    value: Json = _read(row, name, dict, where=where)
    return value


def rows(row: Json, name: str, *, where: str) -> list[Json]:
    """Return a list of objects."""
    value = _read(row, name, list, where=where)
    if not all(isinstance(item, dict) for item in value):
        raise ContractBroken(f"{where}: {name} should hold objects only")
    return list(value)


def day(row: Json, name: str, *, where: str) -> date:
    return _parsed(date.fromisoformat, text(row, name, where=where), name, where)


def instant(row: Json, name: str, *, where: str) -> datetime:
    """Return an instant; one without an offset breaks the contract."""
    value = _parsed(datetime.fromisoformat, text(row, name, where=where), name, where)
    if value.tzinfo is None:
        raise ContractBroken(f"{where}: {name} has no offset")
    return value


def integers(row: Json, name: str, *, where: str) -> list[int]:
    value = _read(row, name, list, where=where)
    if not all(type(item) is int for item in value):
        raise ContractBroken(f"{where}: {name} should hold integers only")
    return list(value)


def days(row: Json, name: str, *, where: str) -> frozenset[date]:
    """Return a list of dates as a set."""
    value = _read(row, name, list, where=where)
    return frozenset(_parsed(date.fromisoformat, str(item), name, where) for item in value)


def percent(row: Json, name: str, *, where: str) -> Fraction:
    """Return a percentage that travels as a decimal string."""
    return _parsed(Fraction, text(row, name, where=where), name, where)


def _parsed(parse: Callable[[str], T], value: str, name: str, where: str) -> T:
    try:
        return parse(value)
    except (ValueError, ZeroDivisionError) as problem:
        raise ContractBroken(f"{where}: {name} is {value!r}") from problem
