"""The vectors of tests/wire, which a till in another language must answer alike: money and charges in cents."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from receivables.domain.allocation import Slice, impute, spread_tenders
from receivables.domain.charges import Charges, Standing, Terms, discount_limit, is_late, late_charges
from receivables.domain.errors import RuleBroken
from receivables.domain.money import (
    ZERO,
    format_brl,
    from_cents,
    parse_brl,
    round_half_up,
    split_by_weights,
    split_evenly,
    to_cents,
)

WIRE = Path(__file__).resolve().parent.parent / "wire"
Vector = dict[str, Any]


def vectors(file: str, section: str) -> list[Any]:
    read = json.loads((WIRE / file).read_text("utf-8"))[section]
    return [pytest.param(vector, id=vector.get("name")) for vector in read]


def terms_of(said: Vector) -> Terms:
    return Terms(
        interest_percent=Decimal(said["interest_percent"]),
        interest_per=said["interest_per"],
        fine_percent=Decimal(said["fine_percent"]),
        max_discount_percent=Decimal(said["max_discount_percent"]),
        allow_partial=said["allow_partial"],
    )


def standing_of(said: Vector) -> Standing:
    return Standing(
        balance=from_cents(said["balance_cents"]),
        due_date=date.fromisoformat(said["due_date"]),
        interest_from=date.fromisoformat(said["interest_from"]),
        fine_charged=said["fine_charged"],
        carried_charges=from_cents(said["carried_charges_cents"]),
    )


@pytest.mark.parametrize("vector", vectors("charges.json", "charges"))
def test_charges(vector: Vector) -> None:
    standing, on = standing_of(vector["installment"]), date.fromisoformat(vector["on"])
    holidays = frozenset(map(date.fromisoformat, vector["holidays"]))
    due = late_charges(standing=standing, terms=terms_of(vector["terms"]), on=on, extra_holidays=holidays)
    assert vector["expected"] == {
        "late": is_late(standing=standing, on=on, extra_holidays=holidays),
        "interest_cents": to_cents(due.interest),
        "fine_cents": to_cents(due.fine),
        "carried_cents": to_cents(due.carried),
        "total_cents": to_cents(due.total),
    }


@pytest.mark.parametrize("vector", vectors("charges.json", "discount_limits"))
def test_discount_limits(vector: Vector) -> None:
    terms = Terms(
        interest_percent=ZERO,
        interest_per="day",
        fine_percent=ZERO,
        max_discount_percent=Decimal(vector["max_discount_percent"]),
        allow_partial=True,
    )
    limit = discount_limit(balance=from_cents(vector["balance_cents"]), terms=terms)
    assert to_cents(limit) == vector["expected_cents"]


@pytest.mark.parametrize("vector", vectors("charges.json", "imputations"))
def test_imputations(vector: Vector) -> None:
    some_day = date(2026, 10, 5)
    due = Charges(**{name.removesuffix("_cents"): from_cents(cents) for name, cents in vector["charges"].items()})
    imputed = impute(
        received=from_cents(vector["received_cents"]),
        discount=from_cents(vector["discount_cents"]),
        standing=Standing(
            balance=from_cents(vector["balance_cents"]),
            due_date=some_day,
            interest_from=some_day,
            fine_charged=False,
            carried_charges=due.carried,
        ),
        charges=due,
    )
    assert vector["expected"] == {
        "principal_cents": to_cents(imputed.allocation.principal),
        "interest_cents": to_cents(imputed.allocation.interest),
        "fine_cents": to_cents(imputed.allocation.fine),
        "discount_cents": to_cents(imputed.allocation.discount),
        "excess_cents": to_cents(imputed.excess),
    }


@pytest.mark.parametrize("vector", vectors("money.json", "parse"))
def test_reading_reais(vector: Vector) -> None:
    if "cents" in vector:
        assert to_cents(parse_brl(vector["text"])) == vector["cents"]
    else:
        with pytest.raises(RuleBroken) as refused:
            parse_brl(vector["text"])
        assert refused.value.code == vector["refused"]


@pytest.mark.parametrize("vector", vectors("money.json", "format"))
def test_writing_reais(vector: Vector) -> None:
    assert format_brl(from_cents(vector["cents"])) == vector["text"]


@pytest.mark.parametrize("vector", vectors("money.json", "round_half_up"))
def test_rounding_half_up(vector: Vector) -> None:
    assert to_cents(round_half_up(Decimal(vector["value"]))) == vector["cents"]


@pytest.mark.parametrize("vector", vectors("money.json", "split_evenly"))
def test_splitting_evenly(vector: Vector) -> None:
    parts = split_evenly(from_cents(vector["total_cents"]), parts=vector["parts"])
    assert [to_cents(part) for part in parts] == vector["expected_cents"]


@pytest.mark.parametrize("vector", vectors("money.json", "split_by_weights"))
def test_splitting_by_weights(vector: Vector) -> None:
    shares = split_by_weights(from_cents(vector["total_cents"]), list(map(Decimal, vector["weights"])))
    assert [to_cents(share) for share in shares] == vector["expected_cents"]


@pytest.mark.parametrize("vector", vectors("money.json", "spread_tenders"))
def test_spreading_tenders(vector: Vector) -> None:
    slices = spread_tenders(
        tenders=list(map(from_cents, vector["tenders_cents"])), shares=list(map(from_cents, vector["shares_cents"]))
    )
    assert slices == [
        Slice(tender=piece["tender"], share=piece["share"], amount=from_cents(piece["cents"]))
        for piece in vector["expected"]
    ]
