"""No address of the tills' API gives another branch's row: each is asked with what another branch's till holds.

The addresses are those of the resolver: one that is added fails the walk until it is asked here too.
"""

import json

import pytest
import time_machine
from django.test import Client

from pos_sync.models import Operation
from pos_sync.services.quarantine import reject_operation
from pos_sync.urls import urlpatterns
from receivables.models import Actor, CashMovement, Divergence, Receipt
from tests.make import NOW, REASON, TODAY, make_branch, make_customer, make_title, make_user
from tests.pos_sync.door import API, Till, ask_to_pair, body_of, get, operation, pairing_code, send

pytestmark = pytest.mark.django_db

SECRETS = ("ALHEIO-77", "ALHEIO-78", "Devedora Alheia", "03-000041", "Filial Alheia")


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


class Theirs:
    """Another branch: two titles, a till that took a receipt there, and all that it was ever given."""

    def __init__(self):
        branch = make_branch(name="Filial Alheia")
        debtor = make_customer(name="Devedora Alheia")
        self.titles = [make_title(branch=branch, document_number=number, bill_to=debtor, due_dates=(TODAY,))
                       for number in ("ALHEIO-77", "ALHEIO-78")]  # fmt: skip
        self.customer = debtor
        self.till = Till(branch=branch, install_id="theirs")
        self.code = pairing_code(branch, till="04")
        self.session = operation("their-open", 1, kind="session_open",
                                 body={"session_id": "s1", "operator": "01", "float_cents": 5000})  # fmt: skip
        self.receipt = operation("their-receipt", 2, kind="receipt", body=self.paying(self.titles[0]))
        self.till.push(self.session, self.receipt)
        self.unreadable = operation("their-unreadable", 3, body=None)
        self.till.push(self.unreadable)
        first = self.till.get("snapshot", limit=1)
        self.etag, self.first = first.headers["ETag"], body_of(first)
        make_title(branch=branch, document_number="ALHEIO-79", due_dates=(TODAY,))

    def answer(self):
        """A person of theirs answers what waits in quarantine."""
        for row in Divergence.objects.filter(source="their-unreadable", status="open"):
            for person in (make_user(), make_user()):
                if Divergence.objects.get(pk=row.pk).is_open:
                    reject_operation(divergence_id=row.pk, reason=REASON, by=Actor.person(person), now=NOW)
        assert Operation.objects.get(op_id="their-unreadable").state == "resolved"

    @staticmethod
    def paying(title, **members):
        parcel = title.installments.get()
        line = {"installment_id": str(parcel.pk), "version": 1, "principal_cents": 100_000}
        return {"session_id": "s1", "operator": "01", "receipt_no": "03-000041", "lines": [line],
                "tenders": [{"method": "cash", "amount_cents": 100_000}]} | members  # fmt: skip


@pytest.fixture
def theirs():
    return Theirs()


@pytest.fixture
def mine(theirs):
    till = Till(branch=make_branch(name="Minha"), install_id="mine")
    make_title(branch=till.branch, document_number="MEU-1", due_dates=(TODAY,))
    return till


def snapshot(mine, theirs):
    assert get("snapshot", token=mine.token, page_token=theirs.first["page_token"] or "x").status_code == 404
    answer = get("snapshot", token=mine.token, headers={"If-None-Match": theirs.etag})
    assert answer.status_code == 200
    return [answer, get("snapshot", token=mine.token, page_token=theirs.first["page_token"] or "x")]


def changes(mine, theirs):
    refused = mine.get("changes", cursor=theirs.first["cursor"])
    assert (refused.status_code, body_of(refused)["code"]) == (400, "bad_cursor")
    own = body_of(mine.get("snapshot"))["cursor"]
    return [refused, mine.get("changes", cursor=own)]


def reconcile(mine, theirs):
    figures = {"installments": 1, "balance_cents": 100_000, "operations": [{"seq": 1, "op_id": "their-receipt"}]}
    answer = send("reconcile", {"cursor": theirs.first["cursor"], **figures}, token=mine.token)
    return [answer, send("reconcile", {"cursor": body_of(mine.get("snapshot"))["cursor"], **figures}, token=mine.token)]


def push(mine, theirs):
    again, other = mine.results(theirs.receipt, operation("their-open", 2))
    assert (again["custody"], again["state"], again["outcome"]) == ("duplicate", None, None)
    for _each in ("waits for a person", "was answered"):
        (asked,) = mine.results(theirs.unreadable)
        assert (asked["custody"], asked["state"], asked["reason"]) == ("duplicate", None, None)
        theirs.answer()
    assert (other["custody"], other["state"], other["outcome"]) == ("conflict", None, None)
    named = mine.push(operation("m0", 3), device_id=theirs.till.device_id)
    assert (named.status_code, body_of(named)["field"]) == (400, "device_id")
    title = theirs.titles[1]
    paid = Theirs.paying(title, receipt_no="03-000001", customer_id=str(theirs.customer.pk))
    answer = mine.push(
        operation("m1", 3, kind="receipt", body=paid),
        operation("m2", 4, kind="receipt_void", body={"receipt_op_id": "their-receipt", "reason": "x"}),
        operation("m3", 5, body={"amount_cents": 100, "session_id": "s1", "reason": "x"}),
    )
    receipt, void, cash = body_of(answer)["results"]
    assert (receipt["state"], receipt["reason"]) == ("held", "unknown_installment")
    assert "other_branch" not in json.dumps(receipt)
    assert void["state"] == "waiting"
    assert "session_unknown" in cash["flags"]
    title.refresh_from_db()
    assert title.status == "pending"
    assert CashMovement.objects.filter(session__branch=theirs.till.branch).count() == 1
    assert not Receipt.objects.filter(reversals__isnull=False).exists()
    return [answer, named]


def results(mine, theirs):
    answers = [mine.get("operations", after_seq=0), mine.get("operations", after_seq=0, epoch=1)]
    assert [body_of(answer)["results"] for answer in answers] == [[], []]
    return answers


def rotate(mine, theirs):
    return [send("token/rotate", raw=b"", token=mine.token)]


def pair(mine, theirs):
    used = pairing_code(theirs.till.branch, till="05")
    assert ask_to_pair(used, install_id="theirs-5").status_code == 201
    answer = ask_to_pair(used, install_id="mine")
    assert (answer.status_code, body_of(answer)["code"]) == (409, "code_used")
    return [answer, ask_to_pair("K7Q2-9MXD-4TWV-H3ZP", install_id="mine")]


def openly(mine, theirs):
    return [get("ping", token=mine.token), get("openapi.json", token=mine.token)]


ASKED = {
    "openapi.json": openly, "ping": openly, "pair": pair, "snapshot": snapshot, "changes": changes,
    "reconcile": reconcile, "token/rotate": rotate, "operations": (results, push),
}  # fmt: skip


def test_every_address_of_the_api_is_walked():
    assert {str(each.pattern).strip("^$") for each in urlpatterns} - {""} == set(ASKED)


@pytest.mark.parametrize("address", ASKED)
def test_no_address_of_the_api_tells_of_another_branch(mine, theirs, address):
    ways = ASKED[address] if isinstance(ASKED[address], tuple) else (ASKED[address],)
    answers = [answer for way in ways for answer in way(mine, theirs)]
    for answer in answers:
        assert answer.status_code < 500
        told = json.dumps(body_of(answer), ensure_ascii=False)
        assert [secret for secret in SECRETS if secret in told] == []


def test_the_walk_would_see_a_leak(theirs):
    told = json.dumps(body_of(theirs.till.get("snapshot")), ensure_ascii=False)
    assert all(secret in told for secret in ("ALHEIO-78", "Devedora Alheia"))


def test_an_address_that_does_not_exist_tells_nothing(mine):
    answer = Client().get(f"{API}titles/ALHEIO-77", headers={"Authorization": f"Device {mine.token}"})
    assert answer.status_code == 404
