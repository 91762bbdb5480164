"""What a till's operation does: where the money of a receipt goes, why, with which flags; voids, devices and time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_sync.decide import (
    FLAGS,
    REASONS,
    WAITS,
    Circumstances,
    Decision,
    InstallmentNow,
    InstallmentThen,
    LineOutcome,
    PlainDecision,
    ReceiptNow,
    Scene,
    decide_cash,
    decide_close,
    decide_receipt,
    decide_void,
    effective_time,
    flags_of,
    follow,
    hold_everything,
    no_money_json,
    quarantine_reason,
    state_of,
    till_day,
    worst,
)
from pos_sync.protocol import (
    CashInSaid,
    CashOutSaid,
    CountSaid,
    LineSaid,
    ReceiptSaid,
    SessionCloseSaid,
    SessionOpenSaid,
    TenderSaid,
    VoidSaid,
)
from receivables.domain.charges import Standing, Terms, late_charges
from receivables.domain.money import from_cents, to_cents

DUE = date(2026, 10, 5)  # a Monday
TEN_DAYS_LATE = date(2026, 10, 15)
TERMS = Terms(
    interest_percent=Decimal("1.00"),
    interest_per="month30",
    fine_percent=Decimal("2.00"),
    max_discount_percent=Decimal("5.00"),
    allow_partial=True,
)
OWED = Standing(
    balance=Decimal("1000.00"), due_date=DUE, interest_from=DUE, fine_charged=False, carried_charges=Decimal("0.00")
)
ANA, BIA = 901, 902
ON_TIME = Circumstances(received_on=DUE, known_methods=frozenset({"cash", "pix"}))
LATE = ON_TIME._replace(received_on=TEN_DAYS_LATE)  # interest 3,33 and fine 20,00 on 1.000,00


def now(**changes: Any) -> InstallmentNow:
    standing = OWED._replace(**{name: changes.pop(name) for name in list(changes) if hasattr(OWED, name)})
    usual: dict[str, Any] = {
        "id": 1, "customer_id": ANA, "status": "pending", "cancelled": False, "other_branch_forbidden": False,
        "terms": TERMS, "amount": 100_000,
    }  # fmt: skip
    return InstallmentNow(standing=standing, **(usual | changes))


def then(**changes: Any) -> InstallmentThen:
    standing = OWED._replace(**{name: changes.pop(name) for name in list(changes) if hasattr(OWED, name)})
    return InstallmentThen(standing=standing, **({"terms": TERMS, "amount": 100_000} | changes))


def scene(
    first: InstallmentNow | None = None, *, had: InstallmentThen | None = None, **others: InstallmentNow
) -> Scene:
    """Give books with installment "1" (which the till had as `had` in version 3), its copy "2" and whatever else."""
    second = now(id=2, customer_id=BIA)
    return Scene(
        installments={"1": first or now(), "2": second, **others},
        then={("1", 3): had or then(), ("2", 3): then()},
        customers={"ana": ANA, "bia": BIA},
    )


def after(books: Scene, decision: Decision) -> Scene:
    """Give the books that the next receipt finds, and leave these as they are."""
    left = replace(books, installments=dict(books.installments), began=dict(books.began))
    follow(left, decision)
    return left


def line(principal: int = 0, **changes: Any) -> LineSaid:
    usual = {"installment_id": "1", "version": 3, "interest": 0, "fine": 0, "discount": 0}
    return LineSaid(principal=principal, **(usual | changes))


def receipt(*lines: LineSaid, paid: int | None = None, **changes: Any) -> ReceiptSaid:
    """Give a receipt paid in cash, with exactly what its lines say unless told otherwise."""
    received = sum(it.principal + it.interest + it.fine for it in lines) if paid is None else paid
    tender = TenderSaid(method="cash", amount=received, tendered=received, change=0, reference=None)
    usual: dict[str, Any] = {
        "session_id": "s", "operator": "01", "customer_id": None, "receipt_no": "03-000041", "mode": "offline",
        "snapshot_as_of": None, "lines": lines, "tenders": (tender,),
    }  # fmt: skip
    return ReceiptSaid(**(usual | changes))


def decided(said: ReceiptSaid, books: Scene | None = None, around: Circumstances = ON_TIME) -> Decision:
    return decide_receipt(said, scene=books or scene(), around=around)


def money(decision: Decision) -> tuple[int, int, int]:
    return decision.allocated, decision.credit, decision.suspense


def verdict(decision: Decision) -> tuple[str, str | None]:
    return decision.state, decision.reason


# As the till said


def test_a_receipt_that_the_books_confirm_is_applied_without_flags() -> None:
    decision = decided(receipt(line(100_000)))
    assert (verdict(decision), decision.flags, money(decision)) == (("applied", None), (), (100_000, 0, 0))


def test_a_late_receipt_with_the_charges_due_is_applied_without_flags() -> None:
    decision = decided(receipt(line(100_000, interest=333, fine=2_000)), around=LATE)
    assert (verdict(decision), decision.flags, money(decision)) == (("applied", None), (), (102_333, 0, 0))


def test_a_part_payment_is_applied() -> None:
    decision = decided(receipt(line(40_000)))
    assert verdict(decision) == ("applied", None)
    assert decision.touched["1"].standing.balance == Decimal("600.00")
    assert decision.touched["1"].status == "partially_settled"


def test_a_discount_within_the_limit_is_applied_and_is_no_money() -> None:
    decision = decided(receipt(line(95_000, discount=5_000)))
    assert (verdict(decision), money(decision)) == (("applied", None), (95_000, 0, 0))
    assert decision.touched["1"].status == "settled"


def test_a_line_tells_whose_and_which_installment_it_paid() -> None:
    (outcome,) = decided(receipt(line(100, installment_id="2"))).lines
    assert (outcome.installment, outcome.customer, outcome.late) == (2, BIA, False)


def test_lines_of_several_installments_are_applied_each() -> None:
    decision = decided(receipt(line(100), line(200, installment_id="2")))
    assert verdict(decision) == ("applied", None)
    assert [it.balance for it in decision.touched.values()] == [99_900, 99_800]


def test_several_lines_of_one_installment_are_taken_in_order() -> None:
    decision = decided(receipt(line(60_000), line(60_000)))
    assert [(it.principal, it.credit, it.reason) for it in decision.lines] == [
        (60_000, 0, None),
        (40_000, 20_000, "over_balance"),
    ]


def test_principal_and_charges_in_two_lines_of_one_installment_are_one_payment() -> None:
    decision = decided(receipt(line(100_000), line(interest=333, fine=2_000)), around=LATE)
    assert (verdict(decision), decision.flags) == (("applied", None), ())


def test_the_discounts_of_several_lines_share_one_limit() -> None:
    decision = decided(receipt(line(100, discount=4_000), line(100, discount=4_000)))
    assert [it.discount for it in decision.lines] == [4_000, 1_000]
    assert verdict(decision) == ("review", "discount_above_limit")


def test_a_balance_that_fell_but_suffices_is_applied() -> None:
    fallen = now(balance=Decimal("600.00"), status="partially_settled")
    assert verdict(decided(receipt(line(60_000)), scene(fallen))) == ("applied", None)


def test_a_line_that_says_nothing_does_nothing() -> None:
    decision = decided(receipt(line(100), line(installment_id="2"), line(installment_id="nobody"), line(version=None)))
    assert verdict(decision) == ("applied", None)
    assert set(decision.touched) == {"1"}


def test_a_line_may_give_a_discount_alone() -> None:
    decision = decided(receipt(line(100, installment_id="2"), line(discount=5_000)))
    assert (verdict(decision), decision.lines[1].discount) == (("applied", None), 5_000)
    assert decision.touched["1"].balance == 95_000


# More money than the lines say


def test_unnamed_money_is_credit_of_the_customer_of_the_first_known_installment() -> None:
    decision = decided(receipt(line(100, installment_id="2"), line(100), paid=1_000, customer_id="ana"))
    assert (verdict(decision), money(decision)) == (("applied", None), (200, 800, 0))
    assert decision.surplus_customer == BIA


def test_without_a_known_installment_unnamed_money_is_credit_of_the_customer_named() -> None:
    decision = decided(receipt(paid=1_000, customer_id="bia"))
    assert (verdict(decision), money(decision), decision.surplus_customer) == (("applied", None), (0, 1_000, 0), BIA)


@pytest.mark.parametrize("customer_id", [None, "nobody", ""])
def test_without_installment_and_customer_money_is_held(customer_id: str | None) -> None:
    decision = decided(receipt(paid=1_000, customer_id=customer_id))
    assert (verdict(decision), money(decision)) == (("held", "unknown_installment"), (0, 0, 1_000))
    assert decision.surplus_customer is None


def test_a_closed_installment_still_names_its_customer() -> None:
    decision = decided(receipt(line(100), paid=300), scene(now(cancelled=True)))
    assert (money(decision), decision.surplus_customer) == ((0, 300, 0), ANA)


def test_a_receipt_without_surplus_has_no_customer_of_it() -> None:
    assert decided(receipt(line(100))).surplus_customer is None


# Less money than the lines say


def test_a_shortfall_is_cut_from_the_last_line_principal_first() -> None:
    lines = line(50_000), line(1_000, installment_id="2", interest=333, fine=2_000)
    decision = decided(receipt(*lines, paid=52_100), around=LATE)
    assert verdict(decision) == ("review", "sum_mismatch")
    assert [(it.principal, it.interest, it.fine, it.reason) for it in decision.lines] == [
        (50_000, 0, 0, None),
        (0, 100, 2_000, "sum_mismatch"),
    ]


def test_a_shortfall_that_eats_a_whole_line_goes_on_with_the_one_before() -> None:
    lines = line(50_000), line(1_000, installment_id="2", interest=333, fine=2_000)
    decision = decided(receipt(*lines, paid=49_000))
    assert [it.allocated for it in decision.lines] == [49_000, 0]
    assert [it.reasons for it in decision.lines] == [("sum_mismatch",), ("sum_mismatch",)]


def test_an_unknown_installment_without_money_left_holds_nothing() -> None:
    decision = decided(receipt(line(100), line(100, installment_id="nobody"), paid=100))
    assert (verdict(decision), decision.suspense) == (("review", "sum_mismatch"), 0)


def test_a_cut_line_may_keep_a_discount_within_its_limit() -> None:
    (outcome,) = decided(receipt(line(95_000, discount=6_000), paid=90_000)).lines
    assert (outcome.principal, outcome.discount) == (90_000, 5_000)
    assert outcome.reasons == ("discount_above_limit", "sum_mismatch")


# What is not as the till had it


def test_a_settled_installment_gives_all_its_money_as_credit() -> None:
    settled = now(balance=Decimal("0.00"), status="settled")
    decision = decided(receipt(line(100_000, interest=333, discount=10)), scene(settled), LATE)
    assert (verdict(decision), money(decision)) == (("review", "already_settled"), (0, 100_333, 0))
    assert (decision.lines[0].customer, decision.touched, decision.flags) == (ANA, {}, ())


def test_a_cancelled_title_gives_all_its_money_as_credit() -> None:
    decision = decided(receipt(line(100_000, fine=5)), scene(now(cancelled=True)))
    assert (verdict(decision), money(decision)) == (("review", "cancelled"), (0, 100_005, 0))


def test_what_a_fallen_balance_does_not_take_is_credit() -> None:
    fallen = now(balance=Decimal("600.00"), status="partially_settled")
    decision = decided(receipt(line(100_000)), scene(fallen))
    assert (verdict(decision), money(decision)) == (("review", "partly_settled"), (60_000, 40_000, 0))


def test_what_an_unchanged_balance_does_not_take_is_credit() -> None:
    decision = decided(receipt(line(100_001)))
    assert (verdict(decision), money(decision)) == (("review", "over_balance"), (100_000, 1, 0))


@pytest.mark.parametrize("version", [None, 99])
def test_of_an_unknown_version_no_fall_is_known(version: int | None) -> None:
    fallen = now(balance=Decimal("600.00"), status="partially_settled")
    assert verdict(decided(receipt(line(100_000, version=version)), scene(fallen))) == ("review", "over_balance")


def test_charges_are_taken_as_charged_where_the_principal_does_not_fit() -> None:
    decision = decided(receipt(line(100_001, interest=333, fine=2_000)), around=LATE)
    (outcome,) = decision.lines
    assert (outcome.interest, outcome.fine, outcome.credit, decision.flags) == (333, 2_000, 1, ())


@pytest.mark.parametrize(
    "reissued",
    [now(due_date=date(2026, 11, 5)), now(amount=103_551, balance=Decimal("1035.51"))],
    ids=["date", "amount"],
)
def test_a_reissued_installment_is_paid_and_shown(reissued: InstallmentNow) -> None:
    decision = decided(receipt(line(100_000)), scene(reissued))
    assert (verdict(decision), money(decision)) == (("review", "reissued"), (100_000, 0, 0))


def test_what_a_reissued_installment_does_not_take_is_credit() -> None:
    lower = now(amount=90_000, balance=Decimal("900.00"))
    decision = decided(receipt(line(100_000)), scene(lower))
    assert (verdict(decision), money(decision)) == (("review", "reissued"), (90_000, 10_000, 0))


def test_a_discount_is_cut_to_the_limit() -> None:
    decision = decided(receipt(line(90_000, discount=5_001)))
    assert (verdict(decision), decision.lines[0].discount) == (("review", "discount_above_limit"), 5_000)
    assert decision.touched["1"].balance == 5_000


def test_the_limit_of_a_discount_is_that_of_the_version_the_till_had() -> None:
    fallen = now(
        balance=Decimal("600.00"), status="partially_settled", terms=TERMS._replace(max_discount_percent=Decimal(0))
    )
    decision = decided(receipt(line(50_000, discount=5_000)), scene(fallen))
    assert (verdict(decision), decision.lines[0].discount) == (("applied", None), 5_000)


def test_the_limit_of_a_discount_is_rounded_half_up() -> None:
    had = then(balance=Decimal("0.90"))
    books = scene(now(balance=Decimal("0.90"), amount=100_000, status="partially_settled"), had=had)
    assert decided(receipt(line(80, discount=5)), books).lines[0].discount == 5


@pytest.mark.parametrize(
    ("had", "reason"), [(then(), "over_balance"), (then(balance=Decimal("2000.00")), "partly_settled")]
)
def test_a_discount_that_finds_no_balance_is_cut(had: InstallmentThen, reason: str) -> None:
    decision = decided(receipt(line(97_000, discount=4_000)), scene(had=had))
    assert (verdict(decision), decision.lines[0].discount) == (("review", reason), 3_000)
    assert decision.touched["1"].status == "settled"


def test_a_discount_cut_twice_has_both_reasons() -> None:
    (outcome,) = decided(receipt(line(97_000, discount=6_000))).lines
    assert (outcome.discount, outcome.reasons) == (3_000, ("over_balance", "discount_above_limit"))


@pytest.mark.parametrize("installment_id", [None, "nobody", "1 ", "01"])
def test_money_of_an_unknown_installment_is_held_even_for_a_known_customer(installment_id: str | None) -> None:
    said = receipt(line(100, interest=5, installment_id=installment_id), customer_id="ana")
    decision = decided(said)
    assert (verdict(decision), money(decision)) == (("held", "unknown_installment"), (0, 0, 105))


def test_a_discount_without_money_on_an_unknown_installment_holds_nothing() -> None:
    decision = decided(receipt(line(100), line(discount=5, installment_id="nobody")))
    assert (verdict(decision), decision.suspense) == (("review", "discount_above_limit"), 0)


def test_a_forbidden_installment_of_another_branch_is_told_as_unknown() -> None:
    foreign = replace(scene(), installments={"1": now(other_branch_forbidden=True)})
    nowhere = replace(scene(), installments={})
    said = receipt(line(100), paid=150)
    assert decided(said, foreign).outcome_json(receipt="7") == decided(said, nowhere).outcome_json(receipt="7")
    assert [it.other_branch for it in (*decided(said, foreign).lines, *decided(said, nowhere).lines)] == [True, False]


def test_the_worst_line_gives_the_reason_and_each_line_tells_its_own() -> None:
    said = receipt(line(100_001), line(5, installment_id="nobody"), line(7, installment_id="2"))
    decision = decided(said)
    assert verdict(decision) == ("held", "unknown_installment")
    assert [it.reason for it in decision.lines] == ["over_balance", "unknown_installment", None]


def test_the_worst_reason_is_the_first_of_the_contract() -> None:
    assert worst(reversed(REASONS)) == "unknown_installment"
    assert worst(["sum_mismatch", "already_settled", "over_balance"]) == "already_settled"
    assert worst([]) is None


@pytest.mark.parametrize("reason", REASONS)
def test_only_an_unknown_installment_holds(reason: str) -> None:
    assert state_of(reason) == ("held" if reason == "unknown_installment" else "review")


# Charges


def differs(*lines: LineSaid, books: Scene | None = None, around: Circumstances = LATE) -> bool:
    return "charges_differ" in decided(receipt(*lines), books, around).flags


@pytest.mark.parametrize(("interest", "fine"), [(0, 0), (332, 2_000), (334, 2_000), (333, 1_999), (333, 2_001)])
def test_charges_other_than_those_due_are_flagged_and_taken_as_charged(interest: int, fine: int) -> None:
    decision = decided(receipt(line(100_000, interest=interest, fine=fine)), around=LATE)
    assert (verdict(decision), decision.flags) == (("applied", None), ("charges_differ",))
    assert decision.allocated == 100_000 + interest + fine


def test_charges_before_they_are_due_are_flagged() -> None:
    assert differs(line(100_000, interest=1), around=ON_TIME)


def test_the_sum_of_the_charges_counts_not_how_they_are_called() -> None:
    assert not differs(line(100_000, interest=2_333))


def test_a_payment_smaller_than_the_charges_is_no_difference_and_carries_the_rest() -> None:
    decision = decided(receipt(line(interest=33, fine=1_000)), around=LATE)
    assert decision.flags == ()
    assert decision.lines[0].carried == 1_300
    assert decision.touched["1"].standing == OWED._replace(
        interest_from=TEN_DAYS_LATE, fine_charged=True, carried_charges=Decimal("13.00")
    )


def test_a_payment_of_charges_above_those_due_is_a_difference() -> None:
    assert differs(line(interest=2_334))


def test_carried_charges_are_paid_inside_the_interest() -> None:
    standing = {"interest_from": TEN_DAYS_LATE, "fine_charged": True, "carried_charges": Decimal("13.00")}
    books = scene(now(**standing, status="partially_settled"), had=then(**standing))
    assert not differs(line(100_000, interest=1_300), books=books)
    assert differs(line(100_000), books=books)


def test_a_payment_that_reaches_the_principal_carries_nothing() -> None:
    decision = decided(receipt(line(1)), around=LATE)
    assert decision.lines[0].carried == 0
    assert decision.touched["1"].standing.carried_charges == 0


def test_what_is_carried_stands_on_the_last_line_of_the_installment() -> None:
    decision = decided(receipt(line(interest=33), line(fine=1_000), line(5, installment_id="2")), around=LATE)
    assert [it.carried for it in decision.lines] == [0, 1_300, 0]


def test_charges_by_the_terms_that_the_till_had_are_honoured() -> None:
    dearer = now(terms=TERMS._replace(fine_percent=Decimal("10.00")))
    assert not differs(line(100_000, interest=333, fine=2_000), books=scene(dearer))


def test_charges_as_the_books_have_them_now_are_honoured_too() -> None:
    paid_before = now(
        balance=Decimal("400.00"), interest_from=date(2026, 10, 12), fine_charged=True, status="partially_settled"
    )
    assert not differs(line(40_000, interest=40), books=scene(paid_before))


def test_where_version_and_books_differ_the_lower_charges_are_carried() -> None:
    charged_before = now(interest_from=TEN_DAYS_LATE, fine_charged=True, status="partially_settled")
    decision = decided(receipt(line(fine=1_000)), scene(charged_before), LATE)
    assert (decision.flags, decision.lines[0].carried) == ((), 0)


def test_after_a_local_holiday_a_payment_is_not_late() -> None:
    on_tuesday = ON_TIME._replace(received_on=date(2026, 10, 6))
    holiday = replace(scene(), extra_holidays=frozenset({DUE}))
    assert differs(line(1), around=on_tuesday)
    decision = decided(receipt(line(1)), holiday, on_tuesday)
    assert (decision.flags, decision.lines[0].late, decision.touched["1"].standing.fine_charged) == ((), False, False)


# Flags


@pytest.mark.parametrize(
    ("flag", "around", "changes"),
    [
        ("operator_unknown", {"operator_known": False}, {}),
        ("operator_unknown", {}, {"operator": None}),
        ("session_unknown", {"session_known": False}, {}),
        ("session_unknown", {}, {"session_id": None}),
        ("unknown_method", {"known_methods": frozenset({"pix"})}, {}),
        ("unknown_method", {}, {"tenders": (TenderSaid(None, 100, 0, 0, None),)}),
        ("clock_suspect", {"clock_suspect": True}, {}),
        ("cash_day_closed", {"cash_day_closed": True}, {}),
        ("sequence_fork", {"sequence_fork": True}, {}),
        ("receipt_no_reused", {"receipt_no_seen": True}, {}),
    ],
)
def test_what_does_not_touch_the_money_only_raises_its_flag(
    flag: str, around: dict[str, Any], changes: dict[str, Any]
) -> None:
    decision = decided(receipt(line(100), **changes), around=ON_TIME._replace(**around))
    assert (verdict(decision), decision.flags) == (("applied", None), (flag,))


def test_a_receipt_without_a_number_repeats_none() -> None:
    assert decided(receipt(line(100), receipt_no=None), around=ON_TIME._replace(receipt_no_seen=True)).flags == ()


def test_all_flags_come_in_the_order_of_the_contract() -> None:
    around = Circumstances(
        received_on=TEN_DAYS_LATE, operator_known=False, session_known=False, receipt_no_seen=True,
        clock_suspect=True, cash_day_closed=True, sequence_fork=True,
    )  # fmt: skip
    assert decided(receipt(line(100_000)), around=around).flags == FLAGS


def test_a_receipt_to_review_carries_its_flags_too() -> None:
    decision = decided(receipt(line(100_001)), around=ON_TIME._replace(clock_suspect=True))
    assert (verdict(decision), decision.flags) == (("review", "over_balance"), ("clock_suspect",))


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        (VoidSaid("a", None), ()),
        (SessionOpenSaid("s", "01", 0), ("operator_unknown",)),
        (SessionOpenSaid(None, None, 0), ("operator_unknown", "session_unknown")),
        (SessionCloseSaid("s", (), None, 0), ("session_unknown",)),
        (SessionCloseSaid("s", (CountSaid("shells", 1),), None, 0), ("session_unknown", "unknown_method")),
        (CashInSaid(1, None, None), ()),
        (CashOutSaid(1, None, "s"), ("session_unknown",)),
    ],
)
def test_the_other_kinds_raise_the_flags_that_concern_them(said: Any, flags: tuple[str, ...]) -> None:
    around = Circumstances(received_on=DUE, operator_known=False, session_known=False, receipt_no_seen=True)
    assert flags_of(said, around=around) == flags


# What is told


def test_an_outcome_tells_where_each_line_went_in_cents() -> None:
    decision = decided(receipt(line(100_001, interest=3, discount=1), paid=100_010))
    assert decision.outcome_json(receipt="03-000041") == {
        "receipt": "03-000041",
        "allocated_cents": 100_003,
        "credit_cents": 7,
        "suspense_cents": 0,
        "lines": [
            {
                "installment_id": "1",
                "reason": "over_balance",
                "reasons": ["over_balance"],
                "principal_cents": 100_000,
                "interest_cents": 3,
                "fine_cents": 0,
                "discount_cents": 0,
                "credit_cents": 1,
                "suspense_cents": 0,
            }
        ],
    }


def test_an_operation_without_money_has_an_outcome_of_three_zeros() -> None:
    assert no_money_json() == {"allocated_cents": 0, "credit_cents": 0, "suspense_cents": 0}


def test_a_receipt_that_cannot_be_applied_is_held_whole() -> None:
    decision = hold_everything(receipt(line(100), paid=150), around=ON_TIME._replace(clock_suspect=True))
    assert (verdict(decision), money(decision)) == (("held", "unknown_installment"), (0, 0, 150))
    assert decision.flags == ("clock_suspect",)


# One receipt after another


def test_the_next_receipt_of_a_batch_finds_what_the_one_before_left() -> None:
    first = decided(receipt(line(60_000)))
    second = decided(receipt(line(60_000)), after(scene(), first))
    assert (verdict(second), money(second)) == (("review", "partly_settled"), (40_000, 20_000, 0))
    third = decided(receipt(line(60_000)), after(after(scene(), first), second))
    assert (verdict(third), money(third)) == (("review", "already_settled"), (0, 60_000, 0))


def test_a_version_not_in_history_is_the_one_that_the_batch_found() -> None:
    books = replace(scene(), then={})
    rest = after(books, decided(receipt(line(60_000)), books))
    said = receipt(line(60_000))
    assert verdict(decided(said, rest)) == ("review", "partly_settled")
    assert verdict(decided(said, after(rest, decided(receipt(line(1)), rest)))) == ("review", "partly_settled")


def test_receipts_of_a_batch_have_the_discount_limit_of_the_version_that_it_found() -> None:
    books = replace(scene(), then={})
    rest = after(books, decided(receipt(line(60_000)), books))
    assert decided(receipt(line(35_000, discount=5_000)), rest).lines[0].discount == 5_000


def test_two_receipts_of_a_till_that_reckons_with_its_own_first_one_are_applied() -> None:
    first = decided(receipt(line(50_000, interest=333, fine=2_000)), around=LATE)
    later = LATE._replace(received_on=TEN_DAYS_LATE + timedelta(6))
    second = decided(receipt(line(50_000, interest=100)), after(scene(), first), later)
    assert (verdict(second), second.flags) == (("applied", None), ())


def test_what_a_receipt_does_not_touch_stays() -> None:
    before = scene()
    assert after(before, decided(receipt(line(1)))).installments["2"] == before.installments["2"]


# Properties

cents = st.integers(0, 200_000)
ids = st.sampled_from([None, "1", "2", "cancelled", "settled", "foreign", "nobody"])
lines_said = st.lists(
    st.builds(
        LineSaid,
        installment_id=ids,
        version=st.sampled_from([None, 2, 3]),
        principal=cents,
        interest=st.integers(0, 3_000),
        fine=st.integers(0, 3_000),
        discount=st.integers(0, 10_000),
    ),
    max_size=5,
)
receipts = st.builds(
    receipt,
    paid=st.integers(1, 500_000),
    lines=lines_said.map(tuple),
    customer_id=st.sampled_from([None, "ana", "nobody"]),
)


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    late = st.integers(-30, 400).map(lambda days: DUE - timedelta(days))
    due_date = draw(late)
    return Standing(
        balance=from_cents(draw(st.integers(1, 100_000))),
        due_date=due_date,
        interest_from=due_date + timedelta(draw(st.integers(0, 40))),
        fine_charged=draw(st.booleans()),
        carried_charges=from_cents(draw(st.integers(0, 5_000))),
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    settled = OWED._replace(balance=Decimal("0.00"))
    return Scene(
        installments={
            "1": now()._replace(standing=draw(standings())),
            "2": now(id=2, customer_id=BIA)._replace(standing=draw(standings())),
            "cancelled": now(id=3, cancelled=True),
            "settled": now(id=4, status="settled")._replace(standing=settled),
            "foreign": now(id=5, other_branch_forbidden=True),
        },
        then={
            (key, version): InstallmentThen(standing=draw(standings()), terms=TERMS, amount=100_000)
            for key in ("1", "2")
            for version in (2, 3)
        },
        customers={"ana": ANA},
    )


arounds = st.integers(-20, 60).map(
    lambda days: Circumstances(received_on=DUE + timedelta(days), known_methods=frozenset({"cash"}))
)
relaxed = settings(deadline=None)


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_every_cent_of_the_tenders_goes_somewhere_once(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    decision = decided(said, books, around)
    assert sum(money(decision)) == said.received


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_nothing_is_ever_negative(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    decision = decided(said, books, around)
    amounts = [decision.surplus_credit, decision.surplus_suspense]
    for it in decision.lines:
        amounts += [it.principal, it.interest, it.fine, it.discount, it.credit, it.suspense, it.carried]
    assert min(amounts) >= 0


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_no_installment_gets_more_than_its_balance(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    decision = decided(said, books, around)
    for key, installment in books.installments.items():
        settles = sum(it.principal + it.discount for it in decision.lines if it.installment_id == key)
        left = decision.touched.get(key, installment).balance
        assert left == installment.balance - settles >= 0


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_no_line_gets_more_than_it_said(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    for it, told in zip(decided(said, books, around).lines, said.lines, strict=True):
        assert it.principal <= told.principal
        assert it.interest <= told.interest
        assert it.fine <= told.fine
        assert it.discount <= told.discount


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_only_open_installments_are_touched(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    touched = decided(said, books, around).touched
    assert set(touched) <= {"1", "2"}
    assert all((it.status == "settled") == (it.balance == 0) for it in touched.values())


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_money_is_held_exactly_when_some_is_in_suspense(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    decision = decided(said, books, around)
    assert (decision.state == "held") == (decision.suspense > 0)


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_applied_means_each_line_exactly_as_said(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    decision = decided(said, books, around)
    if decision.state == "applied":
        for it, told in zip(decision.lines, said.lines, strict=True):
            assert (it.principal, it.interest, it.fine, it.discount) == (
                told.principal, told.interest, told.fine, told.discount,
            )  # fmt: skip


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_credit_has_an_owner_and_suspense_has_none(said: ReceiptSaid, books: Scene, around: Circumstances) -> None:
    decision = decided(said, books, around)
    assert all(it.customer is not None for it in decision.lines if it.credit)
    assert all(it.customer is None for it in decision.lines if it.suspense)
    assert (decision.surplus_customer is not None) == (decision.surplus_credit > 0)


@relaxed
@given(said=receipts, books=scenes(), around=arounds)
def test_the_same_said_of_the_same_books_is_decided_alike(
    said: ReceiptSaid, books: Scene, around: Circumstances
) -> None:
    assert decided(said, books, around) == decided(said, books, around)


@relaxed
@given(books=scenes(), around=arounds, share=st.integers(1, 100))
def test_what_the_books_themselves_would_say_is_applied_without_flags(
    books: Scene, around: Circumstances, share: int
) -> None:
    installment = books.installments["1"]
    due = late_charges(standing=installment.standing, terms=TERMS, on=around.received_on)
    told = line(
        max(1, installment.balance * share // 100),
        version=None,
        interest=to_cents(due.interest_due),
        fine=to_cents(due.fine),
    )
    decision = decided(receipt(told), books, around)
    assert (verdict(decision), decision.flags) == (("applied", None), ())


@relaxed
@given(said=st.lists(receipts, min_size=2, max_size=4), books=scenes(), around=arounds)
def test_receipts_one_after_another_never_take_a_balance_below_zero(
    said: list[ReceiptSaid], books: Scene, around: Circumstances
) -> None:
    start: Mapping[str, InstallmentNow] = books.installments
    settles = dict.fromkeys(start, 0)
    for each in said:
        decision = decided(each, books, around)
        books = after(books, decision)
        for it in decision.lines:
            if it.installment is not None:
                settles[it.installment_id or ""] += it.principal + it.discount
    assert {key: it.balance for key, it in books.installments.items()} == {
        key: start[key].balance - settles[key] for key in start
    }
    assert min(it.balance for it in books.installments.values()) >= 0


# Voids, sessions and cash

POSTED = ReceiptNow(posted=True, same_branch=True, reversed=False, earlier_session=False, shortfall=0)
VOID = VoidSaid("0193-a", "wrong customer")


def voided(receipt_now: ReceiptNow | None, around: Circumstances = ON_TIME) -> PlainDecision:
    return decide_void(VOID, receipt=receipt_now, around=around)


def test_a_void_is_posted() -> None:
    assert voided(POSTED) == PlainDecision(state="applied", reason=None, flags=(), posts=True)


@pytest.mark.parametrize(
    "receipt_now",
    [None, replace(POSTED, posted=False), replace(POSTED, same_branch=False)],
    ids=["not here", "pending or quarantined", "of another branch"],
)
def test_a_void_waits_for_its_receipt(receipt_now: ReceiptNow | None) -> None:
    assert voided(receipt_now) == WAITS
    assert (WAITS.state, WAITS.reason, WAITS.posts) == ("waiting", None, False)


def test_a_void_of_a_reversed_receipt_posts_nothing() -> None:
    done = voided(replace(POSTED, reversed=True, earlier_session=True, shortfall=5))
    assert (done.state, done.reason, done.posts) == ("review", "already_reversed", False)


def test_a_void_whose_credit_was_used_is_posted_and_reviewed() -> None:
    done = voided(replace(POSTED, shortfall=1))
    assert (done.state, done.reason, done.posts) == ("review", "credit_used", True)


def test_a_void_of_an_earlier_session_is_posted_and_reviewed() -> None:
    done = voided(replace(POSTED, earlier_session=True))
    assert (done.state, done.reason, done.posts) == ("review", "void_late", True)


def test_a_late_void_whose_credit_was_used_has_both_reasons() -> None:
    done = voided(replace(POSTED, earlier_session=True, shortfall=1))
    assert (done.reason, done.reasons) == ("credit_used", ("credit_used", "void_late"))


def test_a_void_carries_flags_but_no_closed_day_where_it_posts_nothing() -> None:
    around = ON_TIME._replace(cash_day_closed=True, sequence_fork=True)
    assert voided(POSTED, around).flags == ("cash_day_closed", "sequence_fork")
    assert voided(replace(POSTED, reversed=True), around).flags == ("sequence_fork",)


@pytest.mark.parametrize("said", [SessionOpenSaid("s", "01", 0), CashInSaid(1, None, None), CashOutSaid(1, None, None)])
def test_sessions_and_cash_are_facts(said: Any) -> None:
    assert decide_cash(said, around=ON_TIME) == PlainDecision(state="applied", reason=None, flags=(), posts=True)


@pytest.mark.parametrize("said", [CashInSaid(0, None, None), CashOutSaid(0, None, None)])
def test_cash_of_no_amount_posts_nothing(said: Any) -> None:
    done = decide_cash(said, around=ON_TIME)
    assert (done.state, done.posts) == ("applied", False)


@pytest.mark.parametrize(
    ("complete", "waited", "state"),
    [
        (True, timedelta(), "applied"),
        (False, timedelta(hours=23, minutes=59), "waiting"),
        (False, timedelta(hours=24), "applied"),
    ],
)
def test_a_close_waits_for_its_sequence_a_day_at_most(complete: bool, waited: timedelta, state: str) -> None:
    close = SessionCloseSaid("s", (), None, 0)
    done = decide_close(close, sequence_complete=complete, waited=waited, around=ON_TIME)
    assert done.state == state


# Devices and time

NOON = datetime(2026, 11, 21, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("active", None),
        ("suspended", "device_suspended"),
        ("revoked", "device_revoked"),
        ("replaced", "device_replaced"),
    ],
)
def test_only_an_active_device_is_applied_by_itself(state: str, reason: str | None) -> None:
    assert quarantine_reason(device_state=state, taken_at=NOON, replaced_at=None) == reason


@pytest.mark.parametrize(("taken_at", "reason"), [(NOON - MINUTE, None), (NOON, "device_replaced")])
def test_what_was_taken_before_the_replacement_is_applied(taken_at: datetime, reason: str | None) -> None:
    assert quarantine_reason(device_state="replaced", taken_at=taken_at, replaced_at=NOON) == reason


PAIRED, ARRIVED = NOON - timedelta(days=9), NOON


def timed(occurred_at: datetime, previous: datetime | None = None) -> tuple[datetime, bool]:
    return effective_time(occurred_at=occurred_at, arrived_at=ARRIVED, first_paired_at=PAIRED, previous=previous)


@pytest.mark.parametrize("occurred_at", [NOON - timedelta(days=3), ARRIVED + 5 * MINUTE, PAIRED - 5 * MINUTE])
def test_a_time_within_the_tolerance_stands_as_said(occurred_at: datetime) -> None:
    assert timed(occurred_at) == (occurred_at, False)


def test_a_time_little_before_the_previous_operation_stands_as_said() -> None:
    assert timed(NOON - 15 * MINUTE, previous=NOON - 10 * MINUTE) == (NOON - 15 * MINUTE, False)


@pytest.mark.parametrize(
    ("occurred_at", "previous", "effective"),
    [
        (ARRIVED + 6 * MINUTE, None, ARRIVED),
        (datetime(9999, 12, 31, tzinfo=UTC), NOON - MINUTE, ARRIVED),
        (PAIRED - 6 * MINUTE, None, PAIRED),
        (datetime(1, 1, 1, tzinfo=UTC), None, PAIRED),
        (datetime(1970, 1, 1, tzinfo=UTC), NOON - MINUTE, NOON - MINUTE),
        (NOON - 16 * MINUTE, NOON - 10 * MINUTE, NOON - 10 * MINUTE),
        (NOON - 16 * MINUTE, NOON + 4 * MINUTE, ARRIVED),
    ],
)
def test_a_suspect_time_is_moved_between_the_previous_one_and_the_arrival(
    occurred_at: datetime, previous: datetime | None, effective: datetime
) -> None:
    assert timed(occurred_at, previous) == (effective, True)


def test_the_day_of_a_till_is_that_of_sao_paulo() -> None:
    assert till_day(datetime(2026, 11, 21, 2, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert till_day(datetime(2026, 11, 21, 3, tzinfo=UTC)) == date(2026, 11, 21)


def test_an_outcome_without_allocation_says_so() -> None:
    assert not LineOutcome(installment_id="1", credit=5).is_allocation
    assert LineOutcome(installment_id="1", discount=5).is_allocation
