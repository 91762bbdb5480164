"""The real thing, for a minute: tills and people work while every process is killed; then every cent is looked for.

The long form of the same is `make chaos`; what is promised and what was measured is in docs/reliability.md.
"""

from pathlib import Path

import pytest

from tests.chaos.real.faults import KINDS
from tests.chaos.real.run import Wanted, run

pytestmark = pytest.mark.services

SHORT = Wanted(seed="1", operations=500, faults=len(KINDS) + 2, tills=4, seconds=240)


def test_whatever_is_killed_each_printed_operation_is_in_the_ledger_once(tmp_path: Path) -> None:
    verdict = run(SHORT, folder=tmp_path)
    print("\n".join(verdict.lines()))
    assert all(verdict.faults[kind] for kind in KINDS), verdict.faults
    assert verdict.tills.lost == verdict.tills.doubled == verdict.people.lost == verdict.people.doubled == []
    assert verdict.is_clean, "\n".join(verdict.lines())
