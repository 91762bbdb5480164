"""Write docs/states.md: the moves of every noun as the models declare them; a test compares it with the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import models
from django_fsm import FSMField, Transition

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "states.md"
_HEAD = """# States and moves

Written by `manage.py write_states` from the models; a test compares. `move()` and `move_many()`
(`receivables/services/moves.py`) are the only callers of these moves; what is in no table is refused as `move_refused`.
A permission is asked for by the edges; a dash means that no person makes the move directly.
"""


class Command(BaseCommand):
    """`write_states`: bring docs/states.md up to date."""

    help = "Write docs/states.md from the transitions of the models."
    requires_system_checks = []

    def handle(self, **_options: Any) -> None:
        """Write the document."""
        DOCUMENT.write_text(states_document(), encoding="utf-8")
        self.stdout.write(str(DOCUMENT))


def states_document() -> str:
    """Tell the moves of every noun: move, from, to, permission, and what its docstring says."""
    return "\n".join([_HEAD, *(_section(model, field) for model, field in nouns())])


def nouns() -> Iterator[tuple[type[models.Model], FSMField]]:
    """Give each model whose status moves, with its status field, by app and name; history tables do not move."""
    for model in sorted(apps.get_models(), key=lambda model: (model._meta.app_label, model.__name__)):
        for field in model._meta.concrete_fields:
            if isinstance(field, FSMField) and transitions(model, field):
                yield model, field


def transitions(model: type[models.Model], field: FSMField) -> list[Transition]:
    """Give the transitions of a noun, one for each source."""
    return list(field.get_all_transitions(model))


def _section(model: type[models.Model], field: FSMField) -> str:
    statuses = ", ".join(f"`{value}`" for value in _values(field))
    rows: dict[str, list[Transition]] = {}
    for transition in transitions(model, field):
        rows.setdefault(transition.name, []).append(transition)
    lines = [_row(name, group, field) for name, group in sorted(rows.items())]
    return "\n".join(
        [
            f"## {model.__name__}",
            "",
            f"`{model._meta.label}.{field.name}`, {field.default!s} at first: {statuses}.",
            "",
            "| move | from | to | permission | |",
            "|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def _values(field: FSMField) -> list[str]:
    return [str(value) for value, _ in field.flatchoices]


def _row(name: str, group: list[Transition], field: FSMField) -> str:
    sources = ", ".join(f"`{source}`" for source in sorted((str(t.source) for t in group), key=_values(field).index))
    permission = f"`{group[0].permission}`" if group[0].permission else "–"
    told = (group[0].method.__doc__ or "").split("\n")[0]
    return f"| `{name}` | {sources} | `{group[0].target!s}` | {permission} | {told} |"
