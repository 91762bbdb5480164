"""Who answers for a known difference, and that nothing clears more than there is (S86, G.4)."""

from decimal import Decimal

import pytest

from receivables.domain.errors import AmountAboveDifference, OwnerOutOfReach
from receivables.services.groups import TESOURARIA
from receivables.services.known_difference import assign_difference, possible_owners
from tests.ledger import assert_books_are_clean, refused
from tests.make import CASHIER, NOW, make_branch, make_history_code, make_user
from tests.services import test_cash_movement
from tests.services.test_cash_movement import record, reverse

pytestmark = pytest.mark.django_db

known_difference, codes = test_cash_movement.known_difference, test_cash_movement.codes


def assign(record, owner, **values):
    return assign_difference(record_id=record.pk, owner_id=owner.pk, by=CASHIER, now=NOW, **values)


def test_the_newest_assignment_stands_and_the_older_ones_are_kept(known_difference):
    first, second = (make_user(group=TESOURARIA, branches=(known_difference.account.branch,)) for _each in range(2))
    assign(known_difference, first)
    assign(known_difference, second, notes="Férias da Ana")
    assert [(each.owner, each.actor) for each in known_difference.assignments.all()] == [
        (second, "ana"), (first, "ana")
    ]  # fmt: skip


def test_only_a_colleague_of_the_branch_answers_for_a_difference(known_difference):
    stranger = make_user(branches=(make_branch(),))
    with refused(OwnerOutOfReach, "owner_out_of_reach"):
        assign(known_difference, stranger)


def test_who_left_answers_for_nothing(known_difference):
    gone = make_user(branches=(known_difference.account.branch,), is_active=False)
    assert gone not in possible_owners(known_difference)


@pytest.mark.parametrize(("amount", "cleared_before"), [("1000.01", "0"), ("600.01", "400.00")])
def test_a_movement_clears_at_most_what_is_open(known_difference, codes, amount, cleared_before):
    if Decimal(cleared_before):
        record(known_difference.account, cleared_before, clears_id=known_difference.pk, **codes)
    with refused(AmountAboveDifference, "amount_above_difference") as refusal:
        record(known_difference.account, amount, clears_id=known_difference.pk, **codes)
    assert refusal.value.facts["remaining"] == Decimal("1000.00") - Decimal(cleared_before)


def test_a_movement_of_the_other_direction_clears_nothing(known_difference, codes):
    credit = codes | {"history_code_id": make_history_code().pk}
    with refused(AmountAboveDifference, "amount_above_difference"):
        record(known_difference.account, "1.00", clears_id=known_difference.pk, **credit)


def test_a_reversed_clearing_may_be_made_again(known_difference, codes):
    clearing = record(known_difference.account, "1000.00", clears_id=known_difference.pk, **codes)
    reverse(clearing, make_history_code().pk)
    record(known_difference.account, "1000.00", clears_id=known_difference.pk, **codes)
    assert_books_are_clean()
