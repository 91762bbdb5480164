"""Sessões de caixa: expected against counted, what came later, the difference posted by a person (G.11, G.13)."""

from decimal import Decimal

import pytest

from receivables.domain.errors import CashDayClosed
from receivables.models import CashMovement, CashSession, Direction
from receivables.services.cash_day import close_day
from tests.admin.pages import buttons_of, desk, errors_of, page
from tests.make import CASHIER, NOW, TODAY, cash_account, make_document_type, make_history_code
from tests.services.test_cash_session import begin, end
from tests.services.test_session_difference import counted, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def short(branch):
    """A session with 100 of float and 50 received, of which 145 were counted; 2 more come later."""
    session = begin(branch)
    receive(session, "50.00")
    end(session, *counted(cash="145.00"), pending_count=1, pending_amount=Decimal("2.00"))
    receive(session, "2.00")
    return session


def tables_of(client, session):
    return {str(table.title): table for table in client.get(page(session)).context["tables"]}


def cells(row):
    return [str(cell.text) for cell in row]


def posted(**values):
    usual = {"cash_date": "23/11/2026", "history_code": make_history_code(direction=Direction.DEBIT).pk,
             "document_type": make_document_type().pk, "notes": "Quebra"}  # fmt: skip
    return usual | values


def test_a_session_tells_expected_against_counted_by_means(gerencia, short):
    count, *_rest = tables_of(gerencia, short).values()
    assert cells(count.rows[0])[1:] == ["100,00", "50,00", "0,00", "0,00", "0,00", "150,00", "145,00", "-5,00"]


def test_what_the_closing_said_and_what_it_is_now_stand_side_by_side(gerencia, short):
    _count, later, *_rest = tables_of(gerencia, short).values()
    assert cells(later.rows[0])[1:] == ["150,00", "2,00", "152,00", "145,00", "-5,00", "-7,00", "0,00"]


def test_what_was_pending_at_the_closing_is_told(gerencia, short):
    pending = list(tables_of(gerencia, short).values())[3]
    assert cells(pending.rows[0]) == ["1", "2,00"]


def test_a_session_counted_blind_tells_nothing_while_it_is_open(gerencia, branch):
    branch.parameter_set.blind_closing = True
    branch.parameter_set.save_as(CASHIER)
    session = begin(branch)
    receive(session, "50.00")
    answer = gerencia.get(page(session))
    assert (answer.context["tables"], "numbers" in answer.context["head"]) == ([], False)
    assert "50,00" not in answer.content.decode()


def test_a_person_posts_the_difference_from_the_sessions_page(tesouraria, short):
    assert "post-difference" in buttons_of(tesouraria, short)
    tesouraria.post(page(short, "post-difference"), posted())
    movement = CashMovement.objects.get(session_difference_of__session=short)
    assert (movement.amount, movement.actor, movement.account) == (
        -7, tesouraria.user.username, cash_account(short.branch),
    )  # fmt: skip
    assert "post-difference" not in buttons_of(tesouraria, short)


def test_a_second_click_posts_nothing_more(tesouraria, short):
    for _click in range(2):
        tesouraria.post(page(short, "post-difference"), posted())
    assert CashMovement.objects.filter(session_difference_of__session=short).count() == 1


def test_a_closed_day_is_told_beside_the_date(tesouraria, short):
    close_day(account_id=cash_account(short.branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    answer = tesouraria.post(page(short, "post-difference"), posted())
    assert errors_of(answer) == {"cash_date": [CashDayClosed.code]}


@pytest.mark.parametrize("values", [{"cash_date": "ontem"}, {"history_code": "x"}, {"document_type": "99999"}])
def test_nonsense_is_told_beside_its_field(tesouraria, short, values):
    answer = tesouraria.post(page(short, "post-difference"), posted(**values))
    assert list(errors_of(answer)) == list(values)
    assert not CashMovement.objects.filter(session_difference_of__session=short).exists()


def test_posting_needs_its_permission(financeiro, short):
    assert buttons_of(financeiro, short) == set()
    assert financeiro.post(page(short, "post-difference"), posted()).status_code == 403


def test_a_session_of_another_branch_is_not_found(foreigner, short):
    assert foreigner.get(page(short)).status_code == 404
    assert foreigner.post(page(short, "post-difference"), posted()).status_code == 404


@pytest.mark.parametrize(("asked", "found"), [
    ("?count=difference", {"short"}), ("?count=supplements", {"short"}), ("?count=pending", {"short"}),
    ("?status__exact=open", {"open"}), ("?count=x", {"short", "open", "even"}),
])  # fmt: skip
def test_sessions_are_found_by_their_count(gerencia, branch, short, asked, found):
    still_open, even = begin(branch, key="2", station="04"), begin(branch, key="3", station="05")
    end(even, *counted(cash="100.00"))
    named = {"short": short, "open": still_open, "even": even}
    rows = gerencia.get(desk(CashSession, "changelist") + asked).context["cl"].queryset
    assert set(rows) == {named[name] for name in found}


def test_the_list_is_exported_with_its_counts(gerencia, short):
    answer = gerencia.post("/admin/export/receivables/cashsession/", {"file": "csv"})
    written = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert '"145,00"' in written
    assert '"-7,00"' in written
