"""The settings as a process with a given environment would see them."""

import runpy
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]

PRODUCTION = {
    "ALLOWED_HOSTS": "quita.example.com.br",
    "SECRET_KEY": "k" * 64,
    "DATABASE_URL": "postgres://quita:pw@db:5432/quita",
    "REDIS_URL": "redis://broker:6379/0",
}


def settings_with(**environment: str) -> dict[str, Any]:
    """Return the names of `config/settings.py` read under `environment` and nothing else."""
    with mock.patch.dict("os.environ", environment, clear=True):
        return runpy.run_path(str(ROOT / "config" / "settings.py"))
