"""What the lists of the ledger find for typed words: movements, credits, reversals, differences, new collections."""

import pytest
from django.urls import reverse

from receivables.admin import finding
from receivables.domain.reversal import ClosedCashOption
from receivables.models import (
    BankCollectionReissue,
    CashMovement,
    ClosedCashReversal,
    CustomerCredit,
    Receipt,
    Reversal,
)
from receivables.services.cash_day import close_day
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import ClosedCash, reverse_title
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_customer, make_title, record
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

MOMENT = {"by": CASHIER, "now": NOW, "on": TODAY}


def found(client, model, words):
    """Give the ids of the rows that a list shows for typed words, and what it says of them."""
    response = client.get(reverse(f"admin:receivables_{model._meta.model_name}_changelist"), {"q": words})
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}, response.context["notes"]


def ids(rows):
    return {row.pk for row in rows}


@pytest.fixture
def reversed_title(branch):
    """A title of João's, settled with an excess and reversed, beside one of somebody else's."""
    title = make_title(
        branch=branch, document_number="NF-100", bill_to=make_customer(name="João da Silva", document="52998224725")
    )
    settle(title, "1010.00")
    reverse_title(title_id=title.pk, reason=REASON, **MOMENT)
    settle(make_title(branch=branch, document_number="NF-200"), "1020.00")
    return title


@pytest.mark.parametrize("words", ["manutenção", "MANUTENCAO", "mensal manuten"])
def test_a_movement_is_found_by_the_words_of_its_notes(gerencia, branch, words):
    movement = record(cash_account(branch), notes="Manutenção mensal da conta")
    record(cash_account(branch), notes="Tarifa")
    record(cash_account(branch), notes="")
    assert found(gerencia, CashMovement, words)[0] == {movement.pk}


def test_a_movement_is_found_by_document_and_by_receipt(gerencia, reversed_title):
    mine = ids(CashMovement.objects.filter(title=reversed_title))
    assert mine
    assert found(gerencia, CashMovement, "nf-10")[0] == mine
    receipt = Receipt.objects.order_by("pk")[0]
    assert mine <= found(gerencia, CashMovement, receipt.label)[0]


def test_a_credit_is_found_by_customer_and_by_receipt(gerencia, reversed_title):
    mine = ids(CustomerCredit.objects.filter(customer=reversed_title.bill_to))
    assert mine
    for words in ("joao sil", "529.982", Receipt.objects.order_by("pk")[0].label):
        assert found(gerencia, CustomerCredit, words)[0] == mine


def test_a_reversal_is_found_by_document_and_by_receipt(gerencia, reversed_title):
    (reversal,) = Reversal.objects.all()
    for words in ("nf-1", reversal.receipt.label):
        assert found(gerencia, Reversal, words)[0] == {reversal.pk}
    assert found(gerencia, Reversal, "nf-2")[0] == set()


def test_a_known_difference_is_found_by_document_and_by_receipt(gerencia, branch):
    title = make_title(branch=branch, document_number="NF-300")
    receipt = settle(title, "1000.00")
    account = cash_account(branch)
    close_day(account_id=account.pk, day=TODAY, **MOMENT)
    without_debit = {account.pk: ClosedCash(option=ClosedCashOption.NO_DEBIT)}
    reverse_title(title_id=title.pk, reason=REASON, closed_cash=without_debit, **MOMENT)
    for words in ("NF-3", receipt.label):
        assert found(gerencia, ClosedCashReversal, words)[0] == ids(ClosedCashReversal.objects.all())
    assert found(gerencia, ClosedCashReversal, "NF-1")[0] == set()


def test_a_new_collection_is_found_by_document_and_by_the_number_that_it_took_away(gerencia, branch):
    title = make_title(branch=branch, document_number="NF-400", our_numbers=("109000123",))
    reissue = reissue_bank_collection(
        installment_id=title.installments.get().pk, new_due_date=TODAY, reason=REASON, apply_charges=False,
        write_off_requested=True, **MOMENT,
    )  # fmt: skip
    for words in ("nf-40", "109000"):
        assert found(gerencia, BankCollectionReissue, words)[0] == {reissue.pk}
    assert found(gerencia, BankCollectionReissue, "109001")[0] == set()


@pytest.mark.parametrize("model", [CashMovement, CustomerCredit, Reversal, ClosedCashReversal])
def test_two_letters_find_nothing_and_say_so(gerencia, reversed_title, model):
    rows, notes = found(gerencia, model, "nf")
    assert rows == set()
    assert list(notes) == ["Digite ao menos três letras ou algarismos."]


def test_words_that_fit_too_many_movements_say_so(gerencia, branch, monkeypatch):
    monkeypatch.setattr(finding, "MOST", 1)
    record(cash_account(branch), notes="Tarifa de cobrança")
    record(cash_account(branch), notes="Tarifa de pacote")
    rows, notes = found(gerencia, CashMovement, "tarifa")
    assert rows == set()
    assert any("“tarifa”" in note for note in notes)
