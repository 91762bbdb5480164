"""What tests ask of the whole ledger: did a refusal leave anything behind, are the books clean, who changed a row."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from receivables.domain.errors import RuleBroken


def every_row() -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of both apps, history included."""
    models = [model for app in ("receivables", "pos_sync") for model in apps.get_app_config(app).get_models()]
    return {model.__name__: list(model._base_manager.order_by("pk").values_list()) for model in models}


@contextmanager
def refused(rule: type[RuleBroken], code: str) -> Iterator[pytest.ExceptionInfo[RuleBroken]]:
    """Expect a refusal by class and code that leaves every row as it was."""
    before = every_row()
    with pytest.raises(rule) as refusal:
        yield refusal
    assert (type(refusal.value), refusal.value.code) == (rule, code)
    assert every_row() == before


def told(row: Any) -> tuple[str, str, str | None]:
    """Give actor, channel and reason of the newest history row."""
    newest = row.history.latest("history_id")
    return newest.actor, newest.channel, newest.history_change_reason


def assert_books_are_clean() -> None:
    """Run every check of the books; what is violated is in the failure."""
    report = StringIO()
    try:
        call_command("check_books", json=True, stdout=report)
    except SystemExit:
        pytest.fail(report.getvalue())
