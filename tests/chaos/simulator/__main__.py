"""`make sim SEED=… TILLS=20 DAYS=3`: run the simulator, print what came of it, exit 1 when anything is wrong."""

import argparse
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from random import randrange

os.environ |= {
    "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": "sqlite://:memory:", "REDIS_URL": "",
    "ALLOWED_HOSTS": "", "LOG_LEVEL": "CRITICAL",
}  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Run one seed and give the exit code."""
    asked = _parser().parse_args(words)
    _open_database(asked.database)
    from tests.chaos.simulator.simulation import Simulation

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    seed = asked.seed or str(randrange(10**6))
    simulation = Simulation(
        seed=seed, tills=asked.tills, days=asked.days, say=say if asked.trace else lambda line: None
    )
    outcome = simulation.run()
    print(*outcome.lines(), sep="\n")
    if not outcome.is_clean:
        print(f"To see it again: make sim SEED={seed} TILLS={asked.tills} DAYS={asked.days}")
    return 0 if outcome.is_clean else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("--seed", default="", help="what everything is drawn from; drawn itself where absent")
    parser.add_argument("--tills", type=int, default=20)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--trace", action="store_true", help="write every event to the standard error")
    parser.add_argument("--database", type=Path, help="an empty SQLite file that is migrated already")
    return parser


def _open_database(empty: Path | None) -> None:
    """Begin with an empty database in memory; a file's copy spares the migrations."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    settings.ALLOWED_HOSTS = ["testserver"]
    if empty is None:
        call_command("migrate", verbosity=0)
        return
    connection.ensure_connection()
    with sqlite3.connect(empty) as file:
        file.backup(connection.connection)


if __name__ == "__main__":
    sys.exit(main())
