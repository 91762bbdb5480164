"""The one installer of database triggers on SQLite and PostgreSQL: append-only rows, versions that grow.

Other apps append theirs to `SOURCES`. Dropped before and rebuilt after every migrate: on SQLite an ALTER that rebuilds
a table silently drops its triggers. On PostgreSQL only the guards are lifted meanwhile: whoever works goes on, and
nothing that he changes may stay unrecorded.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models, transaction

from receivables.models.audited import AppendOnlyModel, AuditRow, VersionedModel

PREFIX = "quita_"
GUARD = f"{PREFIX}append_only_"
LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger on a table and, by vendor, the statements that install it, over one that is there on PostgreSQL."""

    name: str
    table: str
    sqlite: tuple[str, ...]
    postgresql: tuple[str, ...]

    @property
    def statements(self) -> tuple[str, ...]:
        return self.sqlite if connection.vendor == "sqlite" else self.postgresql


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
    update, delete, truncate = (f"{GUARD}{verb}_{guard.table}" for verb in ("update", "delete", "truncate"))
    return update, delete, truncate


def _differs(columns: Iterable[str], *, by: str) -> str:
    return " OR ".join(f'OLD."{column}" {by} NEW."{column}"' for column in columns)


def _unless_moved(guard: Guard, *, by: str) -> str:
    """Give the condition that lets the one move through, `by` being how the database says that two values differ."""
    if guard.move is None:
        return ""
    old, new = guard.move
    return f"WHEN ({_differs(guard.fixed, by=by)} OR NOT (OLD.status = '{old}' AND NEW.status = '{new}'))"


def _sqlite(guard: Guard) -> list[str]:
    update, delete, _ = _names(guard)
    when = _unless_moved(guard, by="IS NOT")
    abort = f"BEGIN SELECT RAISE(ABORT, '{guard.table} is append-only'); END"
    return [
        f'CREATE TRIGGER "{update}" BEFORE UPDATE ON "{guard.table}" {when} {abort}',
        f'CREATE TRIGGER "{delete}" BEFORE DELETE ON "{guard.table}" {abort}',
    ]


def _postgresql(guard: Guard) -> list[str]:
    update, delete, truncate = _names(guard)
    when = _unless_moved(guard, by="IS DISTINCT FROM")
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
_GROW_FUNCTION = """
CREATE OR REPLACE FUNCTION quita_grow_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.version := OLD.version + 1; RETURN NEW; END $$
"""


def growing_versions() -> Iterator[Trigger]:
    """Yield what makes a version grow with each change of its row, also where raw SQL forgot to."""
    for model in apps.get_models():
        if not issubclass(model, VersionedModel):
            continue
        table = model._meta.db_table
        name = f"{PREFIX}version_grows_{table}"
        changed = _differs(_columns(model), by="IS NOT")
        yield Trigger(
            name=name,
            table=table,
            sqlite=(
                f'CREATE TRIGGER "{name}" AFTER UPDATE ON "{table}" WHEN NEW.version <= OLD.version AND ({changed}) '
                f'BEGIN UPDATE "{table}" SET version = OLD.version + 1 WHERE id = NEW.id; END',
            ),
            postgresql=(
                _GROW_FUNCTION,
                f'CREATE OR REPLACE TRIGGER "{name}" BEFORE UPDATE ON "{table}" FOR EACH ROW '
                "WHEN (NEW.version <= OLD.version AND OLD.* IS DISTINCT FROM NEW.*) "
                "EXECUTE FUNCTION quita_grow_version()",
            ),
        )


SOURCES: list[Callable[[], Iterable[Trigger]]] = [growing_versions]


def _others() -> list[Trigger]:
    return [trigger for source in SOURCES for trigger in source()]


def installed(prefix: str = PREFIX) -> set[str]:
    """Return the names of our triggers that the database has now and that are not switched off."""
    return {name for name, _, is_on in _found(prefix) if is_on}


def _found(prefix: str) -> list[tuple[str, str, bool]]:
    sql = (
        "SELECT name, tbl_name, 1 FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s"
        if connection.vendor == "sqlite"
        else "SELECT tgname, relname, tgenabled <> 'D' FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal AND pg_table_is_visible(pg_class.oid) AND tgname LIKE %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"{prefix}%"])
        return [(name, table, bool(is_on)) for name, table, is_on in cursor.fetchall()]


def expected() -> set[str]:
    """Return the names of the triggers that must be there, as the database may have cut them."""
    is_sqlite = connection.vendor == "sqlite"
    guarding = [name for guard in guards() for name in (_names(guard)[:2] if is_sqlite else _names(guard))]
    names = {*guarding, *(trigger.name for trigger in _others())}
    return names if is_sqlite else {name[:LONGEST_NAME] for name in names}


def drop(prefix: str = PREFIX, *, besides: Iterable[str] = ()) -> None:
    """Remove our triggers whose names begin so, so that tables may be rebuilt or flushed."""
    kept = {name[:LONGEST_NAME] for name in besides}
    with connection.cursor() as cursor:
        for name, table, _ in _found(prefix):
            if name[:LONGEST_NAME] not in kept:
                on_table = "" if connection.vendor == "sqlite" else f'ON "{table}"'
                cursor.execute(f'DROP TRIGGER "{name}" {on_table}')


def before_migrate(**_signal: object) -> None:
    """Lift what migrations could stumble over: on SQLite everything, on PostgreSQL the guards of append-only rows."""
    drop(PREFIX if connection.vendor == "sqlite" else GUARD)


@transaction.atomic
def install(**_signal: object) -> None:
    """Rebuild every trigger whose table exists; on PostgreSQL no change of a row in between goes unseen."""
    others = _others()
    drop(besides=[] if connection.vendor == "sqlite" else [trigger.name for trigger in others])
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if connection.vendor != "sqlite":
            cursor.execute(_POSTGRESQL_FUNCTION)
        write = _sqlite if connection.vendor == "sqlite" else _postgresql
        guarding = [(guard.table, statement) for guard in guards() for statement in write(guard)]
        writing = [(trigger.table, statement) for trigger in others for statement in trigger.statements]
        for table, statement in [*guarding, *writing]:
            if table in tables:
                cursor.execute(statement)
