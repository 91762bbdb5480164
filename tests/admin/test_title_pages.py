"""The title's list and form: what may be typed and when, what a plan issues (S1-S39, G.7, G.19, G.21)."""

from datetime import date
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    ChangedMeanwhile,
    DueAfterPresentation,
    DuplicateTitle,
    PartBelowOneCent,
)
from receivables.models import Title, TitleStatus
from receivables.services.settlement import settle_installment, settle_title
from tests.admin.pages import buttons_of, desk, errors_of, page
from tests.make import CASHIER, NOW, REASON, TODAY, deposit, make_branch, make_customer, make_title

pytestmark = pytest.mark.django_db


def typed(branch, customer, **values):
    usual = {
        "document_number": "FAT-1", "entry_branch": branch.pk, "issuing_branch": branch.pk,
        "collecting_branch": branch.pk, "issued_on": "21/11/2026", "bill_to": customer.pk, "billing_type": "invoice",
        "amount": "1.234,56", "due_date": "21/12/2026", "parts": "1", "insurance_amount": "0,00", "icms_amount": "0,00",
        "freight_bill_count": "0",
    }  # fmt: skip
    return usual | values


def as_shown(title, **values):
    """What the change form would send back."""
    usual = typed(title.issuing_branch, title.bill_to) | {
        "document_number": title.document_number,
        "issued_on": title.issued_on.strftime("%d/%m/%Y"),
        "account": title.account_id,
        "amount": "1.000,00",
        "due_date": "23/11/2026",
        "seen_version": title.version,
    }
    return usual | values


def add(client, branch, **values):
    return client.post(desk(Title, "add"), typed(branch, make_customer(), **values))


# Issuing


def test_a_title_is_issued_with_brazilian_formats(financeiro, branch):
    add(financeiro, branch)
    title = Title.objects.get()
    installment = title.installments.get()
    assert (title.amount, title.issued_on, title.status) == (
        Decimal("1234.56"),
        date(2026, 11, 21),
        TitleStatus.PENDING,
    )
    assert (installment.due_date, installment.balance) == (date(2026, 12, 21), Decimal("1234.56"))
    assert title.history.get().actor == financeiro.user.username


def test_a_plan_divides_the_amount_without_losing_a_cent(financeiro, branch):
    add(financeiro, branch, amount="100,00", parts="3", due_date="31/01/2027")
    parts = Title.objects.get().installments.order_by("number").values_list("due_date", "amount")
    assert list(parts) == [
        (date(2027, 1, 31), Decimal("33.34")),
        (date(2027, 2, 28), Decimal("33.33")),
        (date(2027, 3, 31), Decimal("33.33")),
    ]


def test_the_same_document_again_is_refused_beside_its_field(financeiro, branch):
    add(financeiro, branch)
    response = add(financeiro, branch)
    assert response.status_code == 200
    assert Title.objects.count() == 1
    assert errors_of(response)


def test_a_duplicate_that_only_the_service_sees_is_told_beside_its_field(financeiro, branch, monkeypatch):
    add(financeiro, branch)
    monkeypatch.setattr(Title, "validate_constraints", lambda self, exclude=None: None)
    assert errors_of(add(financeiro, branch)) == {"document_number": [DuplicateTitle.code]}
    assert Title.objects.count() == 1


def test_parts_below_a_cent_are_refused(financeiro, branch):
    assert errors_of(add(financeiro, branch, amount="0,02", parts="3")) == {"parts": [PartBelowOneCent.code]}
    assert not Title.objects.exists()


@pytest.mark.parametrize(
    ("field", "text"),
    [("amount", "1234.56"), ("amount", "0,00"), ("amount", "-1,00"), ("due_date", "2026-02-30"), ("issued_on", "hoje"),
     ("parts", "0"), ("bill_to", "999999"), ("document_number", ""), ("icms_amount", "x"),
     ("due_date", "20/11/2026")],
)  # fmt: skip
def test_what_cannot_be_read_is_told_beside_its_field(financeiro, branch, field, text):
    assert field in errors_of(add(financeiro, branch, **{field: text}))
    assert not Title.objects.exists()


def test_payable_on_presentation_gives_at_most_15_days(financeiro, branch):
    response = add(financeiro, branch, payable_on_presentation="on", due_date="07/12/2026")
    assert errors_of(response) == {"due_date": [DueAfterPresentation.code]}
    add(financeiro, branch, payable_on_presentation="on", due_date="06/12/2026")
    assert Title.objects.get().payable_on_presentation


def test_a_branch_that_is_not_the_persons_issues_nothing(financeiro, branch):
    response = add(financeiro, branch, issuing_branch=make_branch().pk)
    assert errors_of(response) == {"issuing_branch": ["invalid_choice"]}


@pytest.mark.parametrize("person", ["tesouraria", "suporte"])
def test_issuing_needs_its_permission(request, branch, person):
    assert add(request.getfixturevalue(person), branch).status_code == 403
    assert not Title.objects.exists()


def test_the_empty_form_proposes_today_and_the_only_branch(financeiro, branch):
    form = financeiro.get(desk(Title, "add")).context["adminform"].form
    assert form["issuing_branch"].value() == branch.pk
    assert 'value="23/11/2026"' in str(form["issued_on"])


# Changing


@pytest.fixture
def title(branch):
    return make_title(branch=branch)


def test_a_pending_title_is_changed_amount_and_due_date_in_place(financeiro, title):
    response = financeiro.post(
        page(title), as_shown(title, amount="2.000,00", due_date="30/11/2026", notes="Combinado")
    )
    assert response.status_code == 302
    title.refresh_from_db()
    installment = title.installments.get()
    assert (title.amount, title.notes) == (Decimal("2000.00"), "Combinado")
    assert (installment.amount, installment.balance, installment.due_date) == (
        Decimal("2000.00"), Decimal("2000.00"), date(2026, 11, 30),
    )  # fmt: skip
    assert title.history.first().actor == financeiro.user.username


def test_the_form_shows_money_and_dates_as_they_are_typed(financeiro, title):
    form = financeiro.get(page(title)).context["adminform"].form
    assert 'value="1.000,00"' in str(form["amount"])
    assert 'value="23/11/2026"' in str(form["due_date"])


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(financeiro, title):
    stale = as_shown(title, notes="Minha")
    financeiro.post(page(title), as_shown(title, notes="Primeira"))
    response = financeiro.post(page(title), stale)
    assert errors_of(response) == {"__all__": [ChangedMeanwhile.code]}
    assert f"{title} ({financeiro.user}, " in response.text
    assert ": Observação — → Primeira)" in response.text
    assert Title.objects.get().notes == "Primeira"


def test_a_due_date_that_somebody_else_changed_meanwhile_is_told(financeiro, title):
    stale = as_shown(title, notes="Minha")
    financeiro.post(page(title), as_shown(title, due_date="30/12/2026"))
    assert ": Data Vencto 23/11/2026 → 30/12/2026" in financeiro.post(page(title), stale).text


def test_who_saves_after_a_colleague_settled_the_title_is_told_so(financeiro, title):
    stale = as_shown(title, notes="Minha")
    settle_installment(
        installment_id=title.installments.get().pk, received=Decimal("1000.00"), received_on=TODAY, deposit=deposit(),
        by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip
    response = financeiro.post(page(title), stale)
    assert response.status_code == 403
    assert "Pendente para Recebimento → Título Totalmente Liquidado" in response.text


@pytest.mark.parametrize("received", ["1000.00", "300.00"])
def test_a_title_with_receipts_is_read_only(financeiro, title, received):
    settle_installment(
        installment_id=title.installments.get().pk, received=Decimal(received), received_on=TODAY, deposit=deposit(),
        by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip
    title = Title.objects.get()
    assert financeiro.get(page(title)).context["has_change_permission"] is False
    assert financeiro.post(page(title), as_shown(title, notes="Não")).status_code == 403
    assert Title.objects.get().notes == ""


def test_a_title_is_changed_through_its_issuing_branch_only(financeiro, branch):
    title = make_title(branch=make_branch(), collecting_branch=branch)
    assert financeiro.get(page(title)).status_code == 200
    assert financeiro.post(page(title), as_shown(title, notes="Não")).status_code == 403


def test_the_status_and_what_was_received_are_never_typed(financeiro, title):
    financeiro.post(
        page(title), as_shown(title, status="settled", received_amount="1.000,00", received_on="23/11/2026")
    )
    title.refresh_from_db()
    assert (title.status, title.received_amount, title.received_on) == (TitleStatus.PENDING, Decimal("0.00"), None)


def test_nosso_numero_is_shown_and_never_typed(financeiro, branch):
    title = make_title(branch=branch, our_numbers=("109000007",))
    response = financeiro.get(page(title))
    assert "109000007" in response.content.decode()
    assert "our_number" not in response.context["adminform"].form.fields


def test_a_title_of_several_installments_lists_them_and_changes_their_due_dates(financeiro, branch):
    title = make_title(branch=branch, amounts=("500.00", "500.00"))
    assert "due-dates" in buttons_of(financeiro, title)
    assert "due_date" not in financeiro.get(page(title)).context["adminform"].form.fields
    days = {f"due_{row.pk}": f"1{row.number}/12/2026" for row in title.installments.all()}
    financeiro.post(page(title, "due-dates"), days | {"version": title.version})
    assert list(title.installments.values_list("due_date", flat=True)) == [date(2026, 12, 11), date(2026, 12, 12)]


def test_the_data_of_a_title_of_several_installments_are_still_changed(financeiro, branch):
    title = make_title(branch=branch, amounts=("500.00", "500.00"))
    financeiro.post(page(title), as_shown(title, notes="Combinado"))
    title.refresh_from_db()
    assert (title.notes, title.amount) == ("Combinado", Decimal("1000.00"))


def test_a_cancelled_title_takes_a_reason_and_no_more_changes(financeiro, title):
    assert errors_of(financeiro.post(page(title, "cancel"), {"reason": "curto"})) == {"reason": ["min_length"]}
    financeiro.post(page(title, "cancel"), {"reason": REASON})
    title = Title.objects.get()
    assert (title.status, title.cancel_reason) == (TitleStatus.CANCELLED, REASON)
    assert buttons_of(financeiro, title) == set()


# The list


def found(client, **query):
    return {row.document_number for row in client.get(desk(Title, "changelist"), query).context["cl"].result_list}


def test_the_list_finds_by_document_name_cpf_and_nosso_numero(financeiro, branch):
    customer = make_customer(document="52998224725", name="Maria Aparecida")
    make_title(branch=branch, document_number="ABC-1", bill_to=customer, our_numbers=("109000123",))
    make_title(branch=branch, document_number="XYZ-9")
    for term in ("abc-1", "aparecida", "529.982.247-25", "52998224725", "109000123"):
        assert found(financeiro, q=term) == {"ABC-1"}


def test_the_list_filters_by_due_date(financeiro, branch):
    for document, day in (("VENCIDO", 19), ("HOJE", 23), ("SEMANA", 28)):
        make_title(branch=branch, document_number=document, due_dates=(date(2026, 11, day),))
    assert found(financeiro, due="overdue") == {"VENCIDO"}
    assert found(financeiro, due="today") == {"HOJE"}
    assert found(financeiro, due="7") == {"HOJE", "SEMANA"}


def test_a_settled_title_is_not_overdue(financeiro, branch):
    title = make_title(branch=branch, due_dates=(date(2026, 11, 20),))
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )
    assert found(financeiro, due="overdue") == set()


def test_the_list_filters_by_status_and_branch(financeiro, branch):
    make_title(branch=branch, document_number="MEU")
    assert found(financeiro, status__exact="pending", branch=str(branch.pk)) == {"MEU"}
    assert found(financeiro, status__exact="settled") == set()


def test_the_list_shows_balance_and_next_due_date(financeiro, branch):
    title = make_title(branch=branch, amounts=("500.00", "700.00"), due_dates=(TODAY, date(2026, 12, 23)))
    settle_installment(
        installment_id=title.installments.first().pk, received=Decimal("500.00"), received_on=TODAY, deposit=deposit(),
        by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip
    row = financeiro.get(desk(Title, "changelist")).context["cl"].result_list[0]
    assert (row.next_due, row.open_balance) == (date(2026, 12, 23), Decimal("700.00"))


def test_the_head_of_an_amount_is_aligned_as_the_amounts_are(financeiro, branch):
    installments = financeiro.get(page(make_title(branch=branch))).context["tables"][0]
    under = [cell.is_number for cell in installments.rows[0]]
    assert [head.is_number for head in installments.heads] == under
    assert sum(under) == 2
