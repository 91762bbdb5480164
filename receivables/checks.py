"""Are the triggers of the database all there? Asked by `manage.py check --database default` and by `migrate`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from receivables.models import triggers


@register(Tags.database)
def check_triggers(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """Refuse a database that would let ledger rows change; while migrations wait, `migrate` is about to see to it."""
    if connection.alias not in (databases or ()) or _migrations_wait():
        return []
    missing = sorted(triggers.expected() - triggers.installed())
    if not missing:
        return []
    return [
        Error(
            _("%(count)s triggers of the database are missing: %(names)s.")
            % {"count": len(missing), "names": ", ".join(missing)},
            hint=_("Run `manage.py migrate --skip-checks`, which installs them again, and find out who dropped them."),
            id="receivables.E001",
        )
    ]


def _migrations_wait() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
