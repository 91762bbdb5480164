"""POST /reconcile and POST /token/rotate: figures compared, what is missing asked for, a token exchanged."""

import pytest
import time_machine

from pos_sync.models import DeviceToken
from receivables.services.settlement import settle_title
from tests.make import CASHIER, NOW, TODAY, deposit, make_branch, make_title
from tests.pos_sync.door import Till, body_of, get, operation, send
from tests.pos_sync.shadow import Shadow
from tests.pos_sync.test_changes import due

pytestmark = pytest.mark.django_db

SNAPSHOT = {"match": False, "action": "snapshot", "missing": []}


@pytest.fixture
def till():
    with time_machine.travel(NOW, tick=False):
        yield Till()


@pytest.fixture
def title(till):
    return make_title(branch=till.branch, amounts=("0.10", "0.20", "1000.07"), due_dates=(TODAY,) * 3)


@pytest.fixture
def shadow(till, title):
    return Shadow(till)


def test_figures_that_agree_match(shadow, till):
    assert till.reconcile(**shadow.figures()) == {"match": True}


def test_an_empty_window_matches_zeros(till):
    assert till.reconcile(**Shadow(till).figures()) == {"match": True}


@pytest.mark.parametrize("wrong", [{"installments": 4}, {"balance_cents": 100038}])
def test_figures_that_differ_ask_for_a_snapshot(shadow, till, wrong):
    assert till.reconcile(**shadow.figures(**wrong)) == SNAPSHOT


def test_a_cursor_that_is_not_the_newest_asks_for_a_snapshot(shadow, till):
    before = shadow.figures()
    make_title(branch=till.branch)
    assert till.reconcile(**before) == SNAPSHOT
    shadow.pull()
    assert till.reconcile(**shadow.figures()) == {"match": True}


def test_what_falls_into_the_window_makes_a_cursor_old(till):
    make_title(branch=till.branch, due_dates=(due(31),))
    shadow = Shadow(till)
    with time_machine.travel(NOW.replace(day=24), tick=False):
        assert till.reconcile(**shadow.figures()) == SNAPSHOT
        shadow.pull()
        assert till.reconcile(**shadow.figures()) == {"match": True}


def test_another_branchs_rows_do_not_count(shadow, till):
    make_title(branch=make_branch())
    assert till.reconcile(**shadow.figures()) == {"match": True}


def test_a_settled_row_does_not_count(shadow, till):
    title = make_title(branch=till.branch)
    settle_title(title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW,
                 on=TODAY)  # fmt: skip
    shadow.pull()
    assert till.reconcile(**shadow.figures()) == {"match": True}


def test_operations_that_never_came_are_asked_for_before_anything_else(shadow, till):
    till.push(operation("a", 1))
    listed = [{"seq": 1, "op_id": "a"}, {"seq": 9, "op_id": "c"}, {"seq": 2, "op_id": "b"}]
    answer = till.reconcile(**shadow.figures(operations=listed, installments=0))
    assert answer == {"match": False, "action": "resend", "missing": [2, 9]}


def test_operations_may_be_a_part_of_those_delivered(shadow, till):
    till.push(operation("a", 1), operation("b", 2))
    shadow.pull()
    assert till.reconcile(**shadow.figures(operations=[{"seq": 2, "op_id": "b"}])) == {"match": True}


def test_what_was_refused_is_not_asked_for_again(shadow, till):
    till.push(operation("a", 1, body={"reason": "x" * 70_000}))
    shadow.pull()
    assert till.reconcile(**shadow.figures(operations=[{"seq": 1, "op_id": "a"}])) == {"match": True}


def test_what_another_branch_delivered_is_known(shadow, till):
    other = Till(branch=make_branch(), till="01", install_id="another")
    other.push(operation("a", 1))
    assert till.reconcile(**shadow.figures(operations=[{"seq": 1, "op_id": "a"}])) == {"match": True}


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"cursor": None}, "bad_cursor", None),
        ({"cursor": "x"}, "bad_cursor", None),
        ({"cursor": 5}, "bad_cursor", None),
        ({"installments": None}, "bad_field", "installments"),
        ({"installments": True}, "bad_field", "installments"),
        ({"balance_cents": 1.5}, "bad_field", "balance_cents"),
        ({"operations": {}}, "bad_field", "operations"),
        ({"operations": [5]}, "bad_field", "operations"),
        ({"operations": [{"seq": 1}]}, "bad_field", "operations"),
        ({"operations": [{"seq": "1", "op_id": "a"}]}, "bad_field", "operations"),
        ({"operations": [{"seq": 1, "op_id": "\x00"}]}, "bad_field", "operations"),
    ],
)
def test_what_cannot_be_read_is_named(shadow, till, wrong, code, field):
    answer = send("reconcile", shadow.figures() | wrong, token=till.token)
    assert (answer.status_code, body_of(answer)["code"], body_of(answer).get("field")) == (400, code, field)


@pytest.mark.parametrize(("raw", "code"), [(b"{", "bad_json"), (b"[]", "bad_envelope")])
def test_a_body_of_another_shape_is_refused(till, raw, code):
    assert body_of(send("reconcile", raw=raw, token=till.token))["code"] == code


@pytest.mark.parametrize(("state", "status"), [("suspended", 403), ("revoked", 403)])
def test_reconciling_is_for_the_device_in_use(shadow, till, state, status):
    till.become(state)
    assert send("reconcile", shadow.figures(), token=till.token).status_code == status


# Tokens


def rotate(token):
    return body_of(send("token/rotate", raw=b"", token=token))["token"]


def works(token):
    return get("operations", token=token).status_code == 200


def test_the_old_token_works_until_the_new_one_is_first_used(till):
    fresh = rotate(till.token)
    assert fresh != till.token
    assert works(till.token)
    assert works(fresh)
    assert not works(till.token)
    assert works(fresh)


def test_of_two_rotations_the_later_ends_the_earlier(till):
    lost, fresh = rotate(till.token), rotate(till.token)
    assert works(fresh)
    assert (works(till.token), works(lost)) == (False, False)
    assert [token.prefix for token in DeviceToken.objects.filter(ended_at=None)] == [fresh[:8]]
    ended = DeviceToken.objects.exclude(ended_at=None).values_list("prefix", "ended_by")
    assert dict(ended).keys() == {till.token[:8], lost[:8]}
    assert all(fresh[:8] in by for _prefix, by in ended)


def test_a_token_that_came_later_outlives_the_use_of_an_earlier_one(till):
    first, second = rotate(till.token), rotate(till.token)
    assert works(first)
    assert works(second)


def test_only_a_hash_of_the_new_token_is_kept(till):
    fresh = rotate(till.token)
    assert DeviceToken.objects.filter(prefix=fresh[:8]).exists()
    assert fresh not in str(list(DeviceToken.objects.values()))


@pytest.mark.parametrize("state", ["suspended", "revoked"])
def test_rotating_counts_as_pushing(till, state):
    till.become(state)
    assert works(rotate(till.token))


def test_an_unknown_token_rotates_nothing():
    assert body_of(send("token/rotate", raw=b"", token="x"))["code"] == "unknown_token"
