"""JSON read and written without losing a digit, a key's place or a depth: what a till sent can be shown as it was sent.

What the fields mean lives in `protocol`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_INTEGER = 20
_SPACE = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class NumberLiteral:
    """A number that is no plain integer (5000.0, 1e400, NaN, thousands of digits), kept as it was written."""

    text: str


def _integer(text: str) -> int | NumberLiteral:
    return int(text) if len(text) <= LONGEST_INTEGER else NumberLiteral(text)


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=NumberLiteral, parse_constant=NumberLiteral)


def read_json(text: str) -> object:
    """Parse `text`, however deep it nests; the last of equal keys wins. Raises ValueError where it is no JSON.

    NaN and the infinities pass as literals, so that one operation's bad number does not cost its batch.
    """
    try:
        parsed: object = _DECODER.decode(text)
    except RecursionError:
        return _DeepReader(text).read()
    return parsed


def write_json(value: object, *, ascii_only: bool) -> str:
    """Write `value` compactly, keys in their order; with `ascii_only` all other characters are escaped."""
    try:
        text = (_ASCII if ascii_only else _COMPACT).encode(value)
    except (TypeError, RecursionError):
        text = "".join(_pieces(value, ascii_only=ascii_only, sort=False))
    return _escape_surrogates(text)


def canonical_json(value: object) -> str:
    """Write `value` as RFC 8785 does strings and integers; other numbers by their literal, lone surrogates escaped."""
    try:
        text = _SORTED.encode(value)
    except (TypeError, RecursionError):
        return _canonical_slowly(value)
    # Keys sort by UTF-16 units, which differs from Python's order only above the surrogates.
    return text if text.isascii() or max(text) < "\ud800" else _canonical_slowly(value)


def _canonical_slowly(value: object) -> str:
    return _escape_surrogates("".join(_pieces(value, ascii_only=False, sort=True)))


def _escape_surrogates(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _refuse(value: object) -> object:
    raise TypeError(value)


_ASCII = json.JSONEncoder(separators=(",", ":"), default=_refuse)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_refuse)
_SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_refuse)


@dataclass(frozen=True)
class _Member:
    key: str
    value: object


def _pieces(value: object, *, ascii_only: bool, sort: bool) -> Iterator[str]:
    """Yield the text of `value` with a stack of our own: for what `json.dumps` cannot write, deep or with literals."""
    stack: list[tuple[Iterator[object], str]] = [(iter([value]), "")]
    separator = ""
    while stack:
        members, closer = stack[-1]
        for member in members:
            yield separator + (_scalar(member.key, ascii_only=ascii_only) + ":" if isinstance(member, _Member) else "")
            item = member.value if isinstance(member, _Member) else member
            if isinstance(item, dict | list):
                yield "{" if isinstance(item, dict) else "["
                stack.append((_members(item, sort=sort), "}" if isinstance(item, dict) else "]"))
                separator = ""
                break
            yield _scalar(item, ascii_only=ascii_only)
            separator = ","
        else:
            stack.pop()
            yield closer
            separator = ","


def _members(container: dict[str, object] | list[object], *, sort: bool) -> Iterator[object]:
    if isinstance(container, list):
        return iter(container)
    keys = sorted(container, key=_utf16) if sort else container
    return iter([_Member(key, container[key]) for key in keys])


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _scalar(value: object, *, ascii_only: bool) -> str:
    return value.text if isinstance(value, NumberLiteral) else json.dumps(value, ensure_ascii=ascii_only)


class _DeepReader:
    """Read what nests deeper than the interpreter's stack into the same values as `_DECODER`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.whole: object = None
        self.open: list[dict[str, object] | list[object]] = []
        self.key = ""

    def read(self) -> object:
        self._value()
        while self.open:
            self._advance()
        if self._peek():
            raise ValueError("text after the end")
        return self.whole

    def _advance(self) -> None:
        """Close the innermost container, or read its next member."""
        inner = self.open[-1]
        if self._peek() == ("}" if isinstance(inner, dict) else "]"):
            self.at += 1
            self.open.pop()
            return
        if inner:
            self._take(",")
        if isinstance(inner, dict):
            self._member_key()
        self._value()

    def _value(self) -> None:
        char = self._peek()
        if char in ("{", "["):
            self.at += 1
            fresh: dict[str, object] | list[object] = {} if char == "{" else []
            self._put(fresh)
            self.open.append(fresh)
        else:
            value, self.at = _DECODER.raw_decode(self.text, self.at)
            self._put(value)

    def _member_key(self) -> None:
        if self._peek() != '"':
            raise ValueError("a key must be a string")
        self.key, self.at = _DECODER.raw_decode(self.text, self.at)
        self._take(":")

    def _put(self, value: object) -> None:
        if not self.open:
            self.whole = value
        elif isinstance(inner := self.open[-1], dict):
            inner[self.key] = value
        else:
            inner.append(value)

    def _peek(self) -> str:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def _take(self, char: str) -> None:
        if self._peek() != char:
            raise ValueError(f"{char} expected")
        self.at += 1
