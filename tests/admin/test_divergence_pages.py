"""Divergências in the back office: the queue, what each page shows, outcomes by one click, and who may not."""

import re

import pytest

from pos_sync.models import Operation
from pos_sync.services import epochs
from receivables.models import (
    SYSTEM,
    CashMovement,
    CustomerCredit,
    Divergence,
    Outcome,
)
from receivables.services.divergence import keep_as_credit
from receivables.services.groups import GERENCIA
from receivables.services.moves import move
from tests.admin.conftest import at_the_desk
from tests.admin.pages import buttons_of, desk, errors_of, page
from tests.ledger import assert_books_are_clean
from tests.make import CASHIER, NOW, REASON, TODAY, make_customer, make_user
from tests.pos_sync.test_ingestion import Till, line, make_device, parcel
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

DAY = TODAY.strftime("%d/%m/%Y")


@pytest.fixture
def till(branch):
    return Till(make_device(branch))


@pytest.fixture
def customer(db):
    return make_customer(name="Maria Aparecida")


@pytest.fixture
def paid_twice(till, branch, customer):
    """A parcel that was paid centrally before its till delivered."""
    paid = parcel(branch, bill_to=customer)
    settle(paid.title, "1000.00")
    till.push(till.receipt(line(paid, 100_000)))
    return Divergence.objects.get()


@pytest.fixture
def suspended(till, branch):
    """What a suspended till delivered, above what one person decides."""
    move(till.device.suspend, reason=REASON, by=SYSTEM)
    till.push(till.receipt(line(parcel(branch), 100_000)))
    return Divergence.objects.get()


@pytest.fixture
def in_suspense(till):
    said = {"installment_id": "999999", "version": 1, "principal_cents": 15_000, "interest_cents": 0, "fine_cents": 0,
            "discount_cents": 0}  # fmt: skip
    till.push(till.receipt(said))
    return Divergence.objects.get()


def read(row):
    return Divergence.objects.get(pk=row.pk)


def messages_of(response):
    return " ".join(str(message) for message in response.context["messages"])


# The queue


def test_the_queue_shows_what_is_open_until_others_are_asked_for(gerencia, paid_twice):
    queue = desk(Divergence, "changelist")
    assert gerencia.get(queue).context["cl"].result_count == 1
    keep_as_credit(divergence_id=paid_twice.pk, by=CASHIER, now=NOW)
    assert gerencia.get(queue).context["cl"].result_count == 0
    assert gerencia.get(queue, {"queue": "resolved"}).context["cl"].result_count == 1


@pytest.mark.parametrize(("query", "found"), [({"queue": "mine"}, 0), ({"queue": "unowned"}, 1), ({"age": "day"}, 1),
                                              ({"age": "older"}, 0), ({"reason__exact": "cancelled"}, 0)])  # fmt: skip
def test_the_queue_is_narrowed(gerencia, paid_twice, query, found):
    assert gerencia.get(desk(Divergence, "changelist"), query).context["cl"].result_count == found


def test_who_takes_it_finds_it_among_his(gerencia, paid_twice):
    gerencia.post(page(paid_twice, "take"))
    assert read(paid_twice).owner == gerencia.user
    assert gerencia.get(desk(Divergence, "changelist"), {"queue": "mine"}).context["cl"].result_count == 1


def test_somebody_else_is_made_responsible(gerencia, branch, paid_twice):
    other = make_user(group=GERENCIA, branches=(branch,))
    gerencia.post(page(paid_twice, "assign"), {"owner": other.pk})
    assert read(paid_twice).owner == other


# The page


def test_the_page_shows_what_came_what_was_posted_and_what_is_proposed(gerencia, branch, paid_twice, customer):
    other = parcel(branch, bill_to=customer)
    response = gerencia.get(page(paid_twice))
    text = response.content.decode()
    assert Operation.objects.get().raw.replace('"', "&quot;") in text
    assert page(paid_twice.receipt) in text
    assert page(CustomerCredit.objects.get()) in text
    assert page(CashMovement.objects.latest("pk")) in text
    assert response.context["advice"]["values"]["installment_id"] == other.pk
    assert response.context["meaning"]


def test_a_copy_is_shown_beside_the_first(gerencia, till, branch):
    first = till.receipt(line(parcel(branch), 100_000))
    till.push(first, first | {"body": first["body"] | {"receipt_no": "03-777777"}})
    table = gerencia.get(page(Divergence.objects.get())).context["tables"][0]
    differing = [row[0].text for row in table.rows if row[3].text != "—"]
    assert differing == ["body.receipt_no"]


def test_the_first_of_another_branch_is_not_shown(foreigner, till, branch):
    first = till.receipt(line(parcel(branch), 100_000))
    till.push(first)
    elsewhere = Till(make_device(foreigner.user.branches.get()))
    elsewhere.push(first | {"body": {"tenders": [{"method": "cash", "amount_cents": 700}]}})
    text = foreigner.get(page(Divergence.objects.get())).content.decode()
    assert "03-000001" not in text
    assert "de outra filial" in text


# Outcomes


def test_one_click_pays_the_proposed_installment(gerencia, branch, paid_twice, customer):
    other = parcel(branch, "400.00", bill_to=customer)
    advice = gerencia.get(page(paid_twice)).context["advice"]
    response = gerencia.post(advice["url"], advice["values"], follow=True)
    other.refresh_from_db()
    assert (other.status, read(paid_twice).outcome) == ("settled", Outcome.APPLIED)
    assert "400,00" in messages_of(response)
    assert_books_are_clean()


def test_the_click_names_the_installment_by_its_key_however_long_that_is(gerencia, branch, paid_twice, customer):
    epochs.begin(because=REASON, by=SYSTEM, now=NOW)  # after a restore ids go on far beyond the former ones
    open_one = parcel(branch, bill_to=customer)
    text = gerencia.get(page(paid_twice)).content.decode()
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
    assert sent["installment_id"] == str(open_one.pk)
    assert open_one.pk > 1_000_000


def test_a_second_click_is_told_who_resolved_it(gerencia, paid_twice):
    gerencia.post(page(paid_twice, "keep"))
    response = gerencia.post(page(paid_twice, "keep"), follow=True)
    assert gerencia.user.username in messages_of(response)
    assert CustomerCredit.objects.count() == 1


def test_a_stale_page_resolves_nothing_a_second_time(gerencia, branch, paid_twice, customer):
    """A colleague answered while the page was open."""
    parcel(branch, bill_to=customer)
    advice = gerencia.get(page(paid_twice)).context["advice"]
    keep_as_credit(divergence_id=paid_twice.pk, by=CASHIER, now=NOW)
    response = gerencia.post(advice["url"], advice["values"], follow=True)
    assert "Nada foi feito de novo" in messages_of(response)
    assert read(paid_twice).outcome == Outcome.KEPT


def test_money_goes_back_to_the_customer(gerencia, paid_twice, customer):
    gerencia.post(page(paid_twice, "refund"), {
        "customer_id": customer.pk, "amount": "1.000,00", "method_code": "cash", "cash_date": DAY, "reason": REASON,
    })  # fmt: skip
    assert (read(paid_twice).outcome, CashMovement.objects.balance()) == (Outcome.REFUNDED, 1000)


def test_nonsense_in_a_refund_is_told_beside_its_field(gerencia, paid_twice, customer):
    response = gerencia.post(page(paid_twice, "refund"), {
        "customer_id": customer.pk, "amount": "1.000,01", "method_code": "cash", "cash_date": DAY, "reason": REASON,
    })  # fmt: skip
    assert errors_of(response) == {"amount": ["credit_not_enough"]}


def test_the_customer_is_identified_and_the_oldest_installment_paid(gerencia, branch, in_suspense, customer):
    owed = parcel(branch, "100.00", bill_to=customer)
    asked = {"customer": customer.pk, "pays": "on", "reason": REASON}
    seen = gerencia.post(page(in_suspense, "identify_preview"), asked).json()["hidden"]
    gerencia.post(page(in_suspense, "identify"), asked | seen)
    owed.refresh_from_db()
    assert (owed.status, read(in_suspense).outcome) == ("settled", Outcome.IDENTIFIED)
    assert_books_are_clean()


def test_who_owes_nothing_is_identified_by_what_the_page_says_at_first(gerencia, in_suspense, customer):
    seen = gerencia.get(page(in_suspense, "identify")).context["form"]["seen"].value()
    asked = {"customer": customer.pk, "pays": "on", "reason": REASON, "seen": seen}
    gerencia.post(page(in_suspense, "identify"), asked)
    assert CustomerCredit.objects.filter(customer=customer).available() == 150


def test_what_identifying_will_do_is_shown_before_it_is_done(gerencia, branch, in_suspense, customer):
    parcel(branch, "100.00", bill_to=customer)
    told = gerencia.post(page(in_suspense, "identify_preview"), {"customer": customer.pk, "pays": "on"}).json()
    assert dict(told["will_be"])["Crédito do cliente"] == "R$ 50,00"
    assert read(in_suspense).is_open


def test_a_difference_is_accepted_with_a_reason_only(gerencia, paid_twice):
    assert errors_of(gerencia.post(page(paid_twice, "accept"), {"reason": ""})) == {"reason": ["required"]}
    gerencia.post(page(paid_twice, "accept"), {"reason": REASON})
    assert read(paid_twice).outcome == Outcome.ACCEPTED


def test_two_managers_approve_what_is_above_the_limit(gerencia, branch, suspended):
    second = at_the_desk(make_user(group=GERENCIA, branches=(branch,)))
    proposed = gerencia.post(page(suspended, "approve"), {"reason": REASON}, follow=True)
    assert "Outra pessoa precisa confirmar" in messages_of(proposed)
    alone = gerencia.post(page(suspended, "approve"), {"reason": REASON})
    assert errors_of(alone) == {"__all__": ["second_person_required"]}
    second.post(page(suspended, "approve"), {"reason": REASON})
    assert read(suspended).outcome == Outcome.APPROVED


def test_each_divergence_offers_its_own_outcomes(gerencia, paid_twice):
    assert buttons_of(gerencia, paid_twice) == {"apply", "keep", "refund", "accept", "take", "assign"}


def test_what_is_in_quarantine_is_approved_or_rejected_and_nothing_else(gerencia, suspended):
    assert buttons_of(gerencia, suspended) == {"approve", "reject", "take", "assign"}


def test_money_in_suspense_is_identified_and_nothing_else(gerencia, in_suspense):
    assert buttons_of(gerencia, in_suspense) == {"identify", "take", "assign"}


# Who may not

OUTCOMES = ["apply", "keep", "refund", "accept", "take", "assign"]


@pytest.mark.parametrize("name", OUTCOMES)
def test_who_may_not_resolve_is_forbidden(tesouraria, paid_twice, name):
    assert tesouraria.post(page(paid_twice, name), {"reason": REASON}).status_code == 403
    assert buttons_of(tesouraria, paid_twice) == set()


@pytest.mark.parametrize("name", ["change", *OUTCOMES])
def test_a_divergence_of_another_branch_is_not_there(foreigner, paid_twice, name):
    assert foreigner.get(page(paid_twice, name)).status_code == 404
    assert foreigner.get(desk(Divergence, "changelist")).context["cl"].result_count == 0


def test_who_may_not_approve_operations_is_forbidden(tesouraria, suspended):
    assert tesouraria.post(page(suspended, "approve"), {"reason": REASON}).status_code == 403
    assert tesouraria.post(page(suspended, "reject"), {"reason": REASON}).status_code == 403


def test_a_session_that_waits_is_closed_from_its_operation(gerencia, tesouraria, till):
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0}, seq=1))
    till.push(till.operation("session_close", {"session_id": "s1", "counted": []}, seq=3))
    waiting = Operation.objects.get(seq=3)
    assert tesouraria.post(page(waiting, "close_now")).status_code == 403
    gerencia.post(page(waiting, "close_now"))
    assert Operation.objects.get(pk=waiting.pk).approved_at == NOW
