"""The one installer of database triggers: append-only rows on SQLite and PostgreSQL.

Dropped before and rebuilt after every migrate: on SQLite an ALTER that rebuilds a table silently drops its triggers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models

from receivables.models.audited import AppendOnlyModel, AuditRow

PREFIX = "quita_append_only_"


@dataclass(frozen=True, slots=True)
class Guard:
    """A table whose rows may not be deleted, nor updated but in `free` columns by the `move` old → new status."""

    table: str
    columns: tuple[str, ...]
    free: tuple[str, ...] = ()
    move: tuple[str, str] | None = None

    @property
    def fixed(self) -> tuple[str, ...]:
        return tuple(column for column in self.columns if column not in self.free)


def _columns(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(str(field.column) for field in model._meta.concrete_fields)


def guards() -> Iterator[Guard]:
    """Yield every guarded table: append-only models, all history rows, and cash movements (G.4)."""
    for model in apps.get_models():
        if issubclass(model, AppendOnlyModel | AuditRow):
            yield Guard(table=model._meta.db_table, columns=_columns(model))
    movement = apps.get_model("receivables", "CashMovement")
    yield Guard(
        table=movement._meta.db_table, columns=_columns(movement), free=("status",), move=("posted", "reversed")
    )


def _names(guard: Guard) -> tuple[str, str, str]:
    update, delete, truncate = (f"{PREFIX}{verb}_{guard.table}" for verb in ("update", "delete", "truncate"))
    return update, delete, truncate


def _sqlite(guard: Guard) -> list[str]:
    update, delete, _ = _names(guard)
    changed = " OR ".join(f'OLD."{column}" IS NOT NEW."{column}"' for column in guard.fixed)
    when = (
        f"WHEN {changed} OR NOT (OLD.status = '{guard.move[0]}' AND NEW.status = '{guard.move[1]}')"
        if guard.move
        else ""
    )
    abort = f"BEGIN SELECT RAISE(ABORT, '{guard.table} is append-only'); END"
    return [
        f'CREATE TRIGGER "{update}" BEFORE UPDATE ON "{guard.table}" {when} {abort}',
        f'CREATE TRIGGER "{delete}" BEFORE DELETE ON "{guard.table}" {abort}',
    ]


def _postgresql(guard: Guard) -> list[str]:
    update, delete, truncate = _names(guard)
    changed = " OR ".join(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"' for column in guard.fixed)
    when = (
        f"WHEN ({changed} OR NOT (OLD.status = '{guard.move[0]}' AND NEW.status = '{guard.move[1]}'))"
        if guard.move
        else ""
    )
    refuse = "EXECUTE FUNCTION quita_refuse_change()"
    return [
        f'CREATE TRIGGER "{update}" BEFORE UPDATE ON "{guard.table}" FOR EACH ROW {when} {refuse}',
        f'CREATE TRIGGER "{delete}" BEFORE DELETE ON "{guard.table}" FOR EACH ROW {refuse}',
        f'CREATE TRIGGER "{truncate}" BEFORE TRUNCATE ON "{guard.table}" FOR EACH STATEMENT {refuse}',
    ]


_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION quita_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def installed() -> set[str]:
    """Return the names of the guards' triggers that the database has now and that are not switched off."""
    sql = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s"
        if connection.vendor == "sqlite"
        else "SELECT DISTINCT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal AND tgenabled <> 'D' AND pg_table_is_visible(pg_class.oid) AND tgname LIKE %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"{PREFIX}%"])
        return {name for (name,) in cursor.fetchall()}


def expected() -> set[str]:
    """Return the names of the triggers that must be there, as the database may have cut them."""
    names = {
        name for guard in guards() for name in (_names(guard)[:2] if connection.vendor == "sqlite" else _names(guard))
    }
    return names if connection.vendor == "sqlite" else {name[:63] for name in names}


def drop(**_signal: object) -> None:
    """Remove every guard, so that tables may be rebuilt or flushed."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in installed():
                cursor.execute(f'DROP TRIGGER "{name}"')
            return
        cursor.execute(
            "SELECT tgname, pg_class.relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND pg_table_is_visible(pg_class.oid) AND tgname LIKE %s",
            [f"{PREFIX}%"],
        )
        for name, table in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}" ON "{table}"')


def install(**_signal: object) -> None:
    """Rebuild every guard whose table exists."""
    drop()
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if connection.vendor != "sqlite":
            cursor.execute(_POSTGRESQL_FUNCTION)
        write = _sqlite if connection.vendor == "sqlite" else _postgresql
        for guard in guards():
            if guard.table in tables:
                for statement in write(guard):
                    cursor.execute(statement)
