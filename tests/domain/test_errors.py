"""Every broken rule has a stable code and a sentence that names its facts and a way out."""

import pickle
from decimal import Decimal
from string import Formatter

import pytest

from receivables.domain import errors
from receivables.domain.errors import AmountAboveBalance, BatchChanged, CashDayNotClosed, RuleBroken

RULES = [rule for rule in vars(errors).values() if isinstance(rule, type) and issubclass(rule, RuleBroken)]


def places(rule: type[RuleBroken]) -> set[str]:
    return {place for _, place, _, _ in Formatter().parse(rule.message) if place}


def test_the_code_is_the_class_name_in_snake_case() -> None:
    assert AmountAboveBalance.code == "amount_above_balance"


def test_a_class_may_give_its_own_code() -> None:
    class Renamed(RuleBroken):
        code = "known_to_tills"

    assert Renamed.code == "known_to_tills"


def test_no_two_rules_share_a_code() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_happened_and_what_to_do_next(rule: type[RuleBroken]) -> None:
    told = str(rule(**dict.fromkeys(places(rule), "X")))
    assert told.endswith(".")
    assert "{" not in told
    assert len(told.rstrip(".").split(". ")) >= 2


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule is not RuleBroken], ids=lambda rule: rule.code)
def test_a_rule_has_a_sentence_of_its_own(rule: type[RuleBroken]) -> None:
    assert rule.message != RuleBroken.message


def test_the_sentence_names_the_facts() -> None:
    told = str(AmountAboveBalance(installment="2/3", amount=Decimal("90.00"), balance=Decimal("80.00")))
    assert told == "90.00 is above the balance 80.00 of installment 2/3. Enter at most the balance."


def test_a_fact_with_braces_is_told_as_it_is() -> None:
    assert "{0.__class__}" in str(errors.InvalidAmount(text="{0.__class__}"))


def test_several_facts_are_listed() -> None:
    assert "these titles changed meanwhile: 12, 15." in str(BatchChanged(titles=[12, 15]))
    assert "these titles changed meanwhile: 12, 15." in str(BatchChanged(titles={"15", "12"}))


def test_a_missing_fact_is_found_when_the_rule_is_raised() -> None:
    with pytest.raises(TypeError, match=r"AmountAboveBalance needs the facts \['balance'\]"):
        AmountAboveBalance(installment="2/3", amount=Decimal(1))


def test_an_edge_translates_the_sentence_and_shows_the_facts_its_own_way() -> None:
    broken = AmountAboveBalance(installment="2/3", amount=Decimal("90.00"), balance=Decimal("80.00"))
    told = broken.explain(translate=lambda _: "{amount} > {balance}", show=lambda fact: str(fact).replace(".", ","))
    assert told == "90,00 > 80,00"


def test_a_broken_rule_survives_the_way_between_processes() -> None:
    broken = AmountAboveBalance(installment="2/3", amount=Decimal("90.00"), balance=Decimal("80.00"))
    copy = pickle.loads(pickle.dumps(broken))
    assert type(copy) is AmountAboveBalance
    assert (copy.facts, str(copy)) == (broken.facts, str(broken))
    assert type(pickle.loads(pickle.dumps(CashDayNotClosed()))) is CashDayNotClosed
