"""The facts of a receipt's paper: they add up, what was undone is told, what is the house's own is not (G.22, S39)."""

from decimal import Decimal

import pytest

from receivables.figures.receipt import masked, receipt_paper
from receivables.models import Receipt
from receivables.services.reversal import reverse_title, void_receipt
from tests.make import CASHIER, NOW, REASON, TODAY, make_branch, make_title
from tests.services.test_settlement import LATE, settle

pytestmark = pytest.mark.django_db


def fresh(receipt):
    return Receipt.objects.get(pk=receipt.pk)


def reverse(title):
    return reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY)


def parts_of(paper):
    lines, means = sum(line.total for line in paper.lines), sum(each.amount for each in paper.means)
    return lines + paper.credit + paper.suspense, means


def test_lines_and_credit_add_up_to_what_was_received_and_so_do_the_means():
    paper = receipt_paper(settle(make_title(amounts=("100.10", "200.20"), due_dates=(LATE, TODAY)), "350.00"))
    assert parts_of(paper) == (Decimal("350.00"), Decimal("350.00"))
    assert paper.credit == Decimal("350.00") - sum(line.total for line in paper.lines) > 0


def test_a_line_tells_principal_interest_fine_and_total():
    (line,) = receipt_paper(settle(make_title(due_dates=(LATE,)), "1030.00")).lines
    assert (line.principal, line.interest, line.fine, line.total) == (1000, 10, 20, 1030)


def test_change_is_told_only_where_it_was_noted():
    (means,) = receipt_paper(settle(make_title(), "1000.00")).means
    assert (means.tendered, means.change) == (None, None)


def test_a_receipt_whose_every_share_was_undone_is_reversed():
    title = make_title()
    receipt = settle(title, "1000.00")
    reversal = reverse(title)
    paper = receipt_paper(fresh(receipt))
    assert paper.standing == "reversed"
    assert [(each.number, each.on, each.amount) for each in paper.undone] == [(f"{reversal.pk:06d}", TODAY, 1000)]
    assert [line.reversed_on for line in paper.lines] == [TODAY]


def test_a_receipt_that_still_holds_the_customers_credit_is_reversed_in_part():
    title = make_title()
    receipt = settle(title, "1050.00")
    reverse(title)
    assert receipt_paper(fresh(receipt)).standing == "partly_reversed"


def test_a_voided_receipt_is_reversed_though_its_credit_was_taken_back():
    receipt = settle(make_title(), "1050.00")
    void_receipt(receipt_id=receipt.pk, reason="", idempotency_key="v", by=CASHIER, now=NOW, on=TODAY)
    assert receipt_paper(fresh(receipt)).standing == "reversed"


def test_notes_never_come_to_the_paper():
    title = make_title(notes="Cliente em disputa")
    assert "disputa" not in str(receipt_paper(settle(title, "1000.00", notes="Assunto em disputa")))


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("12345678909", "123.456.789-09"), ("12ABC34501DE35", "12.ABC.345/01DE-35"), ("123", "123"), ("", "")],
)
def test_documents_are_masked_for_reading(stored, shown):
    assert masked(stored) == shown


def test_a_paper_takes_as_many_statements_for_sixty_installments_as_for_two(django_assert_max_num_queries):
    branch = make_branch()
    receipts = [settle(make_title(branch=branch, amounts=("10.00",) * count), f"{count * 10}.00") for count in (2, 60)]
    for receipt in receipts:
        with django_assert_max_num_queries(8):
            receipt_paper(fresh(receipt))
