"""Found the company in one process, as a person would with five commands; print the codes of its tills.

`python -m tests.chaos.real.found FOLDER TITLES TILLS PREFIX`
"""

import json
import os
import sys
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import django

from tests.journeys.spreadsheets import lines_of_titles, write_csv

BRANCHES = 2
FIRST_TILL = 71


def main(folder: str, titles: str, tills: str, prefix: str) -> None:
    """Migrate, seed, import the titles of two branches, and make a pairing code for each till in turn."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from django.utils import timezone

    said("migrate", "--no-input", "--verbosity", "0")
    branches = [row["code"] for row in json.loads(said("seed_demo", "--json"))["branches"]][:BRANCHES]
    for branch in branches:
        bring(
            Path(folder), branch, count=int(titles) // BRANCHES, prefix=f"{prefix}{branch}", today=timezone.localdate()
        )
    codes = []
    for number in range(int(tills)):
        till = str(FIRST_TILL + number)
        made = json.loads(said("pair_device", "--branch", branches[number % BRANCHES], "--till", till, "--json"))
        codes.append([till, made["code"]])
    print(json.dumps(codes))


def bring(folder: Path, branch: str, *, count: int, prefix: str, today: date) -> None:
    file = folder / f"titles-{branch}.csv"
    write_csv(file, lines_of_titles(count, branch=branch, today=today, prefix=prefix))
    report = json.loads(said("import_titles", str(file), "--apply", "--json"))
    assert report["applied"], report


def said(*command: Any) -> str:
    from django.core.management import call_command

    output = StringIO()
    call_command(*command, stdout=output, stderr=StringIO())
    return output.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])
