"""The Brazilian catalogues: complete, compiled, and what the screens really show."""

import gettext
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.contrib.auth.models import Permission
from django.utils.functional import Promise
from django.utils.translation import gettext as translated
from django.utils.translation import ngettext, override, pgettext

from pos_sync import decide, protocol, words
from receivables.admin.explain import MOVES, explain, permission_label
from receivables.admin.history import SECRET, UNTOLD
from receivables.domain.errors import MoveRefused, RuleBroken
from receivables.management.commands.write_states import nouns, transitions
from receivables.models.audited import AuditedModel, AuditRow

ROOT = Path(settings.BASE_DIR)
OURS = ("receivables", "pos_sync")
CATALOGUES = [ROOT / app / "locale" / "pt_BR" / "LC_MESSAGES" / "django.po" for app in ("config", *OURS)]
IDENTICAL = {
    "CNPJ",
    "CNPJ/CPF",
    "CSV",
    "Menu",
    "PIN",
    "Principal",
    "Total",
    "PDF",
    "XLSX",
    "bytes",
    "e-mail",
    "principal",
    "total",
    "supervisor",
}
"""What a Brazilian writes as the code does."""


@dataclass
class Entry:
    """A message of a .po file; `texts` holds msgid, msgstr, …"""

    flags: str = ""
    texts: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.texts["msgid"]

    @property
    def translations(self) -> list[str]:
        return [text for name, text in self.texts.items() if name.startswith("msgstr")]


def entries(path: Path) -> Iterator[Entry]:
    """Read a .po file without its header."""
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        entry, name = Entry(), ""
        for line in block.splitlines():
            found = re.fullmatch(r'(?:(msg[a-z_]+(?:\[\d\])?) )?(".*")', line)
            if found:
                name = found[1] or name
                entry.texts[name] = entry.texts.get(name, "") + literal_eval(found[2])
            elif line.startswith("#,"):
                entry.flags += line
        if entry.texts.get("msgid"):
            yield entry


def compiled(path: Path) -> dict[object, str]:
    with path.with_suffix(".mo").open("rb") as file:
        catalogue = dict(gettext.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]
    del catalogue[""]
    return catalogue


def as_compiled(entry: Entry) -> Iterator[tuple[object, str]]:
    context = entry.texts.get("msgctxt")
    key = f"{context}\x04{entry}" if context else str(entry)
    if "msgid_plural" in entry.texts:
        yield from (((key, number), text) for number, text in enumerate(entry.translations))
    else:
        yield key, entry.translations[0]


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[a-z]|%%|\{\w*\}", text))


def named(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


# The files


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_every_message_is_translated(path):
    assert [str(entry) for entry in entries(path) if "fuzzy" in entry.flags or not all(entry.translations)] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_no_message_is_left_in_english(path):
    same = {str(entry) for entry in entries(path) if str(entry) in entry.translations}
    assert same <= IDENTICAL


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_a_translation_has_the_placeholders_of_its_message(path):
    wrong = [
        str(entry)
        for entry in entries(path)
        for text in entry.translations
        if placeholders(text) != placeholders(str(entry))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_what_is_compiled_is_what_is_written(path):
    assert compiled(path) == dict(pair for entry in entries(path) for pair in as_compiled(entry)), "run: make messages"


@pytest.mark.parametrize("path", CATALOGUES, ids=named)
def test_no_other_catalogue_speaks_in_place_of_ours(path):
    with override("pt-br"):
        assert {str(entry): _shown(entry) for entry in entries(path)} == {
            str(entry): entry.translations[0] for entry in entries(path)
        }


def _shown(entry: Entry) -> str:
    if "msgctxt" in entry.texts:
        return pgettext(entry.texts["msgctxt"], str(entry))
    if "msgid_plural" in entry.texts:
        return ngettext(str(entry), entry.texts["msgid_plural"], 1)
    return translated(str(entry))


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="GNU gettext is not here: it finds what the code says")
def test_the_catalogues_hold_what_the_code_says_and_nothing_else(tmp_path):
    for name in ("config", *OURS, "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "--locale", "pt_BR", "--extension", "py,html", "--no-obsolete"],
        cwd=tmp_path, env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}, check=True, capture_output=True,
    )  # fmt: skip
    for path in CATALOGUES:
        said = {key for entry in entries(tmp_path / path.relative_to(ROOT)) for key, _text in as_compiled(entry)}
        assert said == set(compiled(path)), "run: make messages"


# What people read


def _differs(text: object) -> bool:
    with override("en"):
        english = str(text)
    with override("pt-br"):
        return str(text) != english or english in IDENTICAL


def _rules() -> set[type[RuleBroken]]:
    for package in ("receivables.domain", "receivables.services", "pos_sync.services"):
        for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    found, waiting = set(), [RuleBroken]
    while waiting:
        rule = waiting.pop()
        found.add(rule)
        waiting += rule.__subclasses__()
    return {rule for rule in found if rule.__module__.split(".")[0] in OURS}


def test_every_broken_rule_is_told_in_portuguese():
    with override("pt-br"):
        assert [rule.__name__ for rule in _rules() if translated(rule.message) == rule.message] == []


MODELS = [model for app in OURS for model in apps.get_app_config(app).get_models() if not issubclass(model, AuditRow)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_noun_its_fields_and_their_choices_have_portuguese_names(model):
    told = [model._meta.verbose_name, model._meta.verbose_name_plural]
    for each in (*model._meta.concrete_fields, *model._meta.many_to_many):
        told += [each.verbose_name] if isinstance(each.verbose_name, Promise) else []
        told += [label for _value, label in each.flatchoices]
    assert [str(text) for text in told if not _differs(text)] == []


def _shown_fields(model: type) -> set[str]:
    """Give the fields that a list, a page or a history of the model shows."""
    page = admin.site._registry.get(model)
    shown = {*page.list_display, *page.list_filter, *flatten(page.fields or ())} if page else set()
    if issubclass(model, AuditedModel):
        shown |= {each.name for each in model._meta.concrete_fields} - UNTOLD - SECRET
    return shown


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_field_that_is_shown_has_a_marked_name(model):
    fields = [each for each in model._meta.concrete_fields if each.name in _shown_fields(model) and each.name != "id"]
    assert [each.name for each in fields if not isinstance(each.verbose_name, Promise)] == []


def test_every_move_of_every_noun_has_a_name():
    declared = {
        f"{model._meta.label_lower}.{move.name}" for model, each in nouns() for move in transitions(model, each)
    }
    assert declared == set(MOVES)


def test_a_refused_move_is_told_without_codes():
    refusal = MoveRefused(
        noun="FAT-1", status="partially_settled", verb="settle_part", model="receivables.title"
    )  # fmt: skip
    with override("pt-br"):
        told = explain(refusal)
    assert "“Título Parcialmente Liquidado”" in told
    assert "“Liquidar em parte”" in told


def test_the_words_of_the_protocol_are_those_that_it_has():
    unfit = {"unknown_kind", "unknown_version", "malformed", "device_suspended", "device_revoked", "device_replaced"}
    assert set(words.KINDS) == protocol.KINDS
    assert set(words.FLAGS) == set(decide.FLAGS)
    assert set(words.REASONS) == {*decide.REASONS, *unfit}


@pytest.mark.django_db
def test_every_permission_is_named_in_portuguese():
    with override("pt-br"):
        ours = Permission.objects.filter(content_type__app_label__in=OURS).select_related("content_type")
        assert [each.codename for each in ours if permission_label(each).startswith("Can")] == []
