"""The simulated company in its short form: nothing lost, nothing doubled, and the same seed gives the same trace."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="The simulator brings its own SQLite"),
]

SEED = "quita"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """An empty database with all migrations, which the simulator need not make again."""
    connection.ensure_connection()
    with sqlite3.connect(tmp_path / "empty.sqlite3") as file:
        connection.connection.backup(file)
    return tmp_path / "empty.sqlite3"


def simulated(empty: Path, *, hash_seed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.simulator", "--seed", SEED, "--tills", "3", "--days", "1",
         "--database", empty],
        cwd=settings.BASE_DIR, env=os.environ | {"PYTHONHASHSEED": hash_seed}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_one_seed_gives_one_trace_in_which_nothing_is_lost_or_doubled(empty):
    """Two processes that order their sets differently; only the seconds that they take may differ."""
    runs = [simulated(empty, hash_seed=hash_seed) for hash_seed in ("1", "2")]
    told = [(run.communicate(timeout=600), run.wait()) for run in runs]
    for (report, errors), code in told:
        assert code == 0, report + errors
        assert "lost 0, doubled 0" in report
    first, second = (
        [line for line in report.splitlines() if not line.startswith("virtual")] for (report, _), _ in told
    )
    assert first == second
