"""The documents do not lie: each rule is in the index once, and what they name (files, tests, commands) exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import get_commands

from pos_sync import words
from pos_sync.decide import FLAGS, REASONS
from pos_sync.services import copies

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "docs" / "domain.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

RULES = {"S": 88, "C": 12, "H": 25, "G.": 25, "K": 11, "B": 11}
"""How many rules each letter has."""

_ID = re.compile(r"(S|C|H|G\.|K|B)(\d+)(?:–(?:S|C|H|G\.|K|B)(\d+))?$")
_PLACE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+)(?:::([\w.]+))?`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"manage\.py ([a-z_]+)")
_WORD = re.compile(r"`([A-Za-z_][\w.]*)`")


class Row(NamedTuple):
    """A rule, or a few that one place serves: ids, what it says, where it is, what shows it."""

    rules: list[str]
    says: str
    where: str
    shown: str


def _tables(heading: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables under a heading."""
    text = INDEX.read_text()
    section = text[text.index(f"\n## {heading}") :].split("\n## ")[1]
    for line in section.splitlines():
        if line.startswith("|") and not set(line) <= set("|-: "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def _expanded(cell: str) -> list[str]:
    found = _ID.match(cell)
    assert found, f"no rule is called {cell!r}"
    letter, first, last = found.groups()
    return [f"{letter}{number}" for number in range(int(first), int(last or first) + 1)]


@cache
def _rows() -> tuple[Row, ...]:
    rows = [cells for letter in RULES for cells in _tables(f"{letter.rstrip('.')} · ") if _ID.match(cells[0])]
    return tuple(Row(_expanded(cells[0]), *cells[1:]) for cells in rows)


@pytest.mark.parametrize("letter", RULES)
def test_each_rule_is_in_the_index_once_and_in_order(letter: str) -> None:
    rules = [rule for row in _rows() for rule in row.rules if rule.rstrip("0123456789") == letter]
    assert rules == [f"{letter}{number}" for number in range(1, RULES[letter] + 1)]


def test_a_rule_has_a_test_or_says_that_it_is_not_there_yet() -> None:
    silent = [
        row.rules[0] for row in _rows() if not (_PLACE.search(row.shown) or row.shown.startswith(("not ", "no ")))
    ]
    assert silent == []


def test_a_test_of_the_index_is_a_test() -> None:
    named = [place for row in _rows() for place in _PLACE.findall(row.shown)]
    tests = [(path, name) for path, name in named if "/test_" in path and name.startswith("test_")]
    assert named == tests


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_places_in_a_file_is_there(document: Path) -> None:
    lost = [
        f"{path}::{name}" if name else path
        for path, name in _PLACE.findall(document.read_text())
        if not _exists(path, name)
    ]
    assert lost == []


def _exists(path: str, name: str) -> bool:
    file = ROOT / path
    if not name:
        return file.exists() or not (ROOT / path.split("/", maxsplit=1)[0]).is_dir()
    return file.is_file() and (name in _names(file) if file.suffix == ".py" else name in file.read_text())


@cache
def _names(file: Path) -> set[str]:
    """Give the functions, classes and constants of a module, and a class's own as `Class.name`."""
    return set(_defined(ast.parse(file.read_text()).body, ""))


def _defined(body: list[ast.stmt], within: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield within + node.name
        if isinstance(node, ast.ClassDef):
            yield from _defined(node.body, f"{within}{node.name}.")
        for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
            if isinstance(target, ast.Name):
                yield within + target.id


def test_each_reason_and_flag_of_the_protocol_has_its_test() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    section = text[text.index("## Each reason and flag, and its test") :].split("\n## ")[0]
    rows = re.findall(r"^\| \w+ \| (\w+) \| `([^`:]+)::(\w+)` \|$", section, re.MULTILINE)
    assert sorted(code for code, *_ in rows) == sorted({*REASONS, *FLAGS, *words.REASONS, copies.REASON})
    assert [code for code, path, name in rows if not (name == f"test_{code}" and _exists(path, name))] == []


def test_the_glossary_names_what_the_code_names() -> None:
    words = {word for cells in _tables("Glossary") for word in _WORD.findall(cells[1])}
    assert [word for word in sorted(words) if not _is_in_the_code(word)] == []


def _is_in_the_code(word: str) -> bool:
    noun, _, name = word.partition(".")
    if name:
        return any(word in _names(file) for file in _sources())
    return any(re.search(rf"\b{noun}\b", file.read_text()) for file in _sources())


@cache
def _sources() -> tuple[Path, ...]:
    return tuple(file for app in ("receivables", "pos_sync") for file in (ROOT / app).rglob("*.py"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    links = [link for link in _LINK.findall(document.read_text()) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_exist(document: Path) -> None:
    assert set(_COMMAND.findall(document.read_text())) - set(get_commands()) == set()


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem[:4])
def test_a_decision_is_short_and_called_as_its_file(decision: Path) -> None:
    lines = decision.read_text().splitlines()
    assert re.sub(r"[^a-z0-9]+", "-", lines[0].removeprefix("# ").lower().replace("'", "")) == decision.stem
    assert len(lines) <= 40


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
