"""A row's complete story: title, receipts, reversals, slips, movements, till operations, in order on one page."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from receivables.admin import story
from receivables.models import CashSession, Receipt
from receivables.services.cash_session import open_session
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import reverse_title
from tests.admin.pages import page
from tests.make import CASHIER, NOW, REASON, TODAY, make_title
from tests.pos_sync.test_ingestion import Till, line, make_device
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db


def address(row):
    return reverse("admin:story", args=[row._meta.model_name, row.pk])


def only_receipt():
    return Receipt.objects.get()


def told(client, row):
    return [each for _day, lines in client.get(address(row)).context["days"] for each in lines]


def deeds(client, row):
    return [each.deed for each in told(client, row)]


@pytest.fixture
def title(branch):
    """Collected anew, settled and reversed, a minute after each other."""
    title = make_title(branch=branch, our_numbers=("109000001",))
    person = {"by": CASHIER, "on": TODAY}
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        reissue_bank_collection(
            installment_id=title.installments.get().pk, new_due_date=TODAY, reason=REASON, apply_charges=False,
            write_off_requested=True, now=NOW + timedelta(minutes=1), **person,
        )  # fmt: skip
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        settle(title, "1000.00", now=NOW + timedelta(minutes=2))
    with time_machine.travel(NOW + timedelta(minutes=3), tick=False):
        reverse_title(title_id=title.pk, reason=REASON, now=NOW + timedelta(minutes=3), **person)
    title.refresh_from_db()
    return title


def test_a_title_is_told_from_its_issue_to_its_reversal(gerencia, title):
    found = deeds(gerencia, title)
    order = [
        f"emitiu o título {title}", "tirou de uso o boleto 109000001", f"liquidou o título {title}",
        f"estornou o recebimento {only_receipt()}",
    ]  # fmt: skip
    assert sorted(order, key=found.index) == order


def test_a_title_tells_of_all_that_hangs_on_it(gerencia, title):
    nouns = {each.noun for each in told(gerencia, title)}
    assert {str(noun) for noun in nouns} >= {
        "título", "parcela", "boleto", "nova cobrança bancária", "recebimento", "estorno"
    }  # fmt: skip
    assert any(deed.startswith("lançou o movimento") for deed in deeds(gerencia, title))


def test_a_receipt_tells_what_it_paid_and_by_which_means(gerencia, title):
    (received,) = [each for each in told(gerencia, title) if each.deed == f"recebeu no recebimento {only_receipt()}"]
    assert received.details[0].startswith(f"{title} 1/1: principal 1.000,00, juros 0,00")
    assert received.details[1].endswith("R$ 1.000,00")


def test_a_story_tells_of_no_other_title(gerencia, branch, title):
    other = make_title(branch=branch)
    settle(other, "1000.00")
    assert not any(str(other) in deed for deed in deeds(gerencia, title))


def test_an_installment_has_its_own_story(gerencia, branch):
    title = make_title(branch=branch, amounts=("600.00", "400.00"), our_numbers=("109000001", "109000002"))
    first, second = title.installments.order_by("number")
    settle_part(first, "600.00")
    assert f"liquidou a parcela {first}" in deeds(gerencia, first)
    assert "emitiu o boleto 109000002" not in deeds(gerencia, first)
    assert set(deeds(gerencia, second)) == {"emitiu o boleto 109000002", f"incluiu parcela {second}"}


def test_a_receipt_has_its_own_story(gerencia, title):
    found = deeds(gerencia, Receipt.objects.get())
    assert found[0].startswith(("recebeu", "lançou"))
    assert f"estornou o recebimento {only_receipt()}" in found


def test_a_customer_is_told_with_his_titles_and_receipts(gerencia, title):
    found = deeds(gerencia, title.bill_to)
    assert {
        f"incluiu cliente {title.bill_to}",
        f"emitiu o título {title}",
        f"recebeu no recebimento {only_receipt()}",
    } <= set(found)


def test_what_a_till_did_to_a_title_is_part_of_its_story(gerencia, branch):
    title, till = make_title(branch=branch), Till(make_device(branch))
    till.push(till.receipt(line(title.installments.get(), 100_000)))
    assert {"enviou: Recebimento", "recebeu no recebimento 03-000001"} <= set(deeds(gerencia, title))


def test_the_divergence_that_an_operation_opened_is_part_of_the_story(gerencia, branch):
    title, till = make_title(branch=branch), Till(make_device(branch))
    operation = till.receipt(line(title.installments.get(), 100_000))
    settle(title, "1000.00")
    till.push(operation)
    assert any(deed.startswith("abriu a divergência") for deed in deeds(gerencia, title))
    assert "enviou: Recebimento" in deeds(gerencia, title)


def test_a_session_is_told_from_its_opening(gerencia, branch):
    session = open_session(
        idempotency_key="s-1", branch=branch, station="03", operator="7", opened_at=NOW, float_amount=Decimal(50),
        by=CASHIER,
    )  # fmt: skip
    assert f"abriu a sessão de caixa {session}" in deeds(gerencia, session)
    assert CashSession.objects.count() == 1


# Who reads it, and how much of it


def test_the_story_is_reached_from_the_page(gerencia, title):
    assert f'href="{address(title)}"' in gerencia.get(page(title)).content.decode()
    assert f'href="{address(Receipt.objects.get())}"' in gerencia.get(page(Receipt.objects.get())).content.decode()


def test_the_story_of_another_branchs_row_is_not_found(foreigner, title):
    for row in (title, title.installments.get(), Receipt.objects.get()):
        assert foreigner.get(address(row)).status_code == 404


def test_the_story_of_a_customer_tells_nothing_of_another_branch(foreigner, title):
    assert deeds(foreigner, title.bill_to) == [f"incluiu cliente {title.bill_to}"]


@pytest.mark.parametrize("noun", ["branch", "user", "nothing"])
def test_only_some_nouns_have_a_story(gerencia, noun):
    assert gerencia.get(f"/admin/story/{noun}/1/").status_code == 404


def test_a_long_story_is_read_page_by_page(gerencia, title, monkeypatch):
    whole = [(each.at, each.deed) for each in told(gerencia, title)]
    monkeypatch.setattr(story, "PER_PAGE", 4)
    read, where = [], address(title)
    while where:
        context = gerencia.get(where).context
        read += [(each.at, each.deed) for _day, lines in context["days"] for each in lines]
        later = context["later"]
        where = f"{address(title)}?after={str(later).replace('+', '%2B')}" if later else ""
    assert read == whole


def test_a_longer_story_does_not_ask_more_queries(gerencia, branch):
    title = make_title(branch=branch)
    (installment,) = title.installments.all()
    settle_part(installment, "10.00")
    told(gerencia, title)
    with CaptureQueriesContext(connection) as few:
        told(gerencia, title)
    for _each in range(4):
        settle_part(installment, "10.00")
    with CaptureQueriesContext(connection) as many:
        told(gerencia, title)
    assert len(many) == len(few)
