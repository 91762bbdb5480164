"""Receipt numbers of a till: `till + series - sequence`, gapless per device; what is missing, what came twice (G.22).

Asked of the ledger as runs of numbers that follow each other, so that a gap costs a row and not its length.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import connection

_NUMBER = re.compile(r"([0-9A-Z]+)-([0-9]{1,15})")

_PARTS = {
    "postgresql": (
        "SPLIT_PART(number, '-', 1)", "CAST(SPLIT_PART(number, '-', 2) AS BIGINT)", "number ~ '^[0-9A-Z]+-[0-9]{1,15}$'"
    ),
    "sqlite": (
        "SUBSTR(number, 1, INSTR(number, '-') - 1)", "CAST(SUBSTR(number, INSTR(number, '-') + 1) AS INTEGER)",
        "number GLOB '[0-9A-Z]*-[0-9]*' AND NOT SUBSTR(number, INSTR(number, '-') + 1) GLOB '*[^0-9]*' "
        "AND LENGTH(number) - INSTR(number, '-') <= 15",
    ),
}  # fmt: skip
_RUNS = """
SELECT branch_id, prefix, MIN(sequence), MAX(sequence), SUM(copies - 1)
FROM (
    SELECT branch_id, prefix, sequence, copies,
           sequence - ROW_NUMBER() OVER (PARTITION BY branch_id, prefix ORDER BY sequence) AS run
    FROM (
        SELECT branch_id, {prefix} AS prefix, {sequence} AS sequence, COUNT(*) AS copies
        FROM receivables_receipt
        WHERE origin = 'till' AND branch_id IN ({branches}) AND {is_number}
        GROUP BY 1, 2, 3
    ) numbered
) ranked
GROUP BY branch_id, prefix, run
ORDER BY branch_id, prefix, MIN(sequence)
"""

Run = tuple[int, int]
"""The first and the last of numbers that follow each other."""
Key = tuple[int, str]
"""A branch and what its device's numbers begin with: till and series."""


@dataclass(slots=True)
class Numbers:
    """The receipt numbers of one device that have arrived, as runs in order, and how many came more than once."""

    runs: list[Run] = field(default_factory=list)
    repeated: int = 0

    @property
    def issued(self) -> int:
        """The highest number that is known: the till has issued at least so many."""
        return self.runs[-1][1] if self.runs else 0

    @property
    def arrived(self) -> int:
        return sum(last - first + 1 for first, last in self.runs)

    @property
    def gaps(self) -> list[Run]:
        """Between 1 and the highest number, those that never came; no closing hides one (G.22)."""
        return list(_between(self.runs))

    @property
    def missing(self) -> int:
        return sum(last - first + 1 for first, last in self.gaps)

    def add(self, sequences: Iterable[int]) -> None:
        """Count numbers that arrived and are not in the ledger: waiting, or in quarantine."""
        fresh = [(each, each) for each in sequences if not any(first <= each <= last for first, last in self.runs)]
        self.runs = _joined(sorted({*self.runs, *fresh}))


def _between(runs: Sequence[Run]) -> Iterator[Run]:
    expected = 1
    for first, last in runs:
        if first > expected:
            yield expected, first - 1
        expected = last + 1


def _joined(runs: Sequence[Run]) -> list[Run]:
    joined: list[Run] = []
    for first, last in runs:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def read_numbers(branch_ids: Collection[int]) -> dict[Key, Numbers]:
    """Read the numbers of the branches' tills from the ledger, in one statement; what is no such number is left out."""
    if not branch_ids:
        return {}
    prefix, sequence, is_number = _PARTS[connection.vendor]
    branches = ", ".join(str(int(each)) for each in sorted(branch_ids))
    found: dict[Key, Numbers] = {}
    with connection.cursor() as cursor:
        cursor.execute(_RUNS.format(prefix=prefix, sequence=sequence, is_number=is_number, branches=branches))
        for branch_id, begins, first, last, repeated in cursor:
            if last < 1:
                continue
            numbers = found.setdefault((branch_id, begins), Numbers())
            numbers.runs.append((max(first, 1), last))
            numbers.repeated += int(repeated)
    return found


def sequence_of(number: str, *, begins: str) -> int | None:
    """Give the sequence in a receipt number of the device whose numbers begin so; None for any other text."""
    match = _NUMBER.fullmatch(number)
    return int(match.group(2)) or None if match and match.group(1) == begins else None


def told(gaps: Sequence[Run], *, begins: str, most: int = 12) -> str:
    """Name numbers as they are printed: “03-000041, 03-000044–046”; of many the first `most`, then “…”."""
    named = [_run(run, begins) for run in gaps[:most]]
    return ", ".join([*named, "…"] if len(gaps) > most else named)


def _run(run: Run, begins: str) -> str:
    first, last = (f"{each:06d}" for each in run)
    if first == last:
        return f"{begins}-{first}"
    same = len(first) == len(last) and first[:-3] == last[:-3]
    return f"{begins}-{first}–{last[-3:] if same else last}"
