"""Measuring: ways that take turns, medians, and the one table in which everything is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Any


def seconds(work: Callable[[], Any]) -> float:
    """Do it and give how long it took."""
    began = perf_counter()
    work()
    return perf_counter() - began


def take_turns(ways: dict[str, Callable[[], Any]], *, rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Do each way once a round, so that what disturbs the machine disturbs all; give the seconds without warming up."""
    taken = [{name: seconds(work) for name, work in ways.items()} for _ in range(warm_up + rounds)]
    return {name: [turn[name] for turn in taken[warm_up:]] for name in ways}


def p95(taken: Sequence[float]) -> float:
    """Give what nineteen of twenty stay below."""
    return quantiles(taken, n=20)[-1]


def ms(taken: Sequence[float]) -> str:
    """Tell a median in milliseconds."""
    return f"{median(taken) * 1000:,.1f} ms"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: what was measured, its median, what it is compared with, the ratio of the two and what is wanted."""

    what: str
    measured: str
    reference: str
    ratio: float
    aim: str = ""

    def cells(self) -> tuple[str, ...]:
        return self.what, self.measured, self.reference, f"{self.ratio:.2f}", self.aim


_figures: list[Figure] = []


def tell(what: str, measured: str, reference: str, ratio: float, aim: str = "") -> None:
    """Keep a figure for the table."""
    _figures.append(Figure(what, measured, reference, ratio, aim))


def table() -> str:
    """Write all figures in columns."""
    rows = [("what", "median", "reference", "ratio", "aim"), *(figure.cells() for figure in _figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
