"""The list of titles: what it finds, filters and adds up, what it says of a long one, and its number of queries."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from receivables.admin import finding, listing
from receivables.models import SYSTEM, Customer, Holiday, Installment, Title
from receivables.models.plain_text import plain
from receivables.services.settlement import settle_installment, settle_title
from receivables.services.title import cancel_title
from tests.admin.pages import desk, page
from tests.make import CASHIER, NOW, REASON, TODAY, deposit, make_branch, make_customer, make_title

pytestmark = pytest.mark.django_db

FRIDAY, SATURDAY, SUNDAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
"""Before the Monday of these tests; the Friday is a national holiday."""
THURSDAY = date(2026, 11, 19)


def listed(client, **query):
    return client.get(desk(Title, "changelist"), query)


def found(client, **query):
    return {row.document_number for row in listed(client, **query).context["cl"].result_list}


def notes(client, **query):
    return list(listed(client, **query).context["notes"])


def filter_form(client, **query):
    """The form of what is typed to filter."""
    specs = listed(client, **query).context["cl"].filter_specs
    return next(spec.form for spec in specs if hasattr(spec, "form"))


def due_on(branch, *days):
    for day in days:
        make_title(branch=branch, document_number=f"{day:%d/%m}", due_dates=(day,), issued_on=date(2026, 9, 1))


def standing(client, document):
    response = listed(client, document=document)
    (row,) = response.context["cl"].result_list
    return response.context["cl"].model_admin.standing(row)


# Overdue, and still payable (G.17)


@pytest.mark.parametrize("day", [FRIDAY, SATURDAY, SUNDAY, TODAY])
def test_due_on_days_without_banks_a_title_is_not_overdue_on_the_next_business_day(gerencia, branch, day):
    due_on(branch, day)
    assert "Vencido" not in standing(gerencia, f"{day:%d/%m}")
    assert found(gerencia, due="overdue") == set()
    assert found(gerencia, due="today") == {f"{day:%d/%m}"}


def test_once_it_is_overdue_days_count_from_the_due_date(gerencia, branch):
    due_on(branch, THURSDAY)
    assert "Vencido 4 d" in standing(gerencia, "19/11")
    assert found(gerencia, due="overdue") == {"19/11"}
    assert found(gerencia, due="today") == set()


def test_a_local_holiday_is_a_day_without_banks(gerencia, branch):
    due_on(branch, THURSDAY)
    Holiday(day=THURSDAY, name="Aniversário da cidade").save_as(SYSTEM)
    assert "Vencido" not in standing(gerencia, "19/11")
    assert found(gerencia, due="overdue") == set()


def test_what_is_still_payable_is_no_overdue_amount(gerencia, branch):
    due_on(branch, THURSDAY, SATURDAY)
    amounts = [amount for _label, amount in listed(gerencia).context["totals"]]
    assert amounts == [Decimal("2000.00"), Decimal("2000.00"), Decimal("1000.00")]


# What a person types


def test_a_span_of_due_dates_includes_both_ends(gerencia, branch):
    due_on(branch, date(2026, 12, 1), date(2026, 12, 2), date(2026, 12, 3), date(2026, 12, 4))
    assert found(gerencia, due_from="02/12/2026", due_to="03/12/2026") == {"02/12", "03/12"}
    assert found(gerencia, due_from="03/12/2026") == {"03/12", "04/12"}
    assert found(gerencia, due_to="01/12/2026") == {"01/12"}


def test_a_span_asks_for_open_installments(gerencia, branch):
    title = make_title(branch=branch, amounts=("10.00", "10.00"), due_dates=(date(2026, 12, 1), date(2027, 1, 1)))
    assert found(gerencia, due_to="31/12/2026") == {title.document_number}
    first = title.installments.get(number=1)
    settle_installment(
        installment_id=first.pk, received=first.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW,
        on=TODAY,
    )  # fmt: skip
    assert found(gerencia, due_to="31/12/2026") == set()


def test_amounts_are_typed_the_brazilian_way(gerencia, branch):
    for document, amount in (("A", "999.99"), ("B", "1000.00"), ("C", "1234.56"), ("D", "1234.57")):
        make_title(branch=branch, document_number=document, amounts=(amount,))
    assert found(gerencia, amount_from="1.000,00", amount_to="1.234,56") == {"B", "C"}


@pytest.mark.parametrize("typed", ["joão da silva", "JOAO DA", "silva joao", "529.982.247-25", "52998", "529.982"])
def test_a_customer_is_found_by_name_or_cpf_as_it_is_typed(gerencia, branch, typed):
    make_title(
        branch=branch, document_number="DELE", bill_to=make_customer(name="João da Silva", document="52998224725")
    )
    make_title(branch=branch, document_number="OUTRO", bill_to=make_customer(name="Joana Prado"))
    assert found(gerencia, customer=typed) == {"DELE"}
    assert found(gerencia, q=typed) == {"DELE"}


def test_a_cnpj_with_letters_is_found_by_its_beginning(gerencia, branch):
    make_title(branch=branch, document_number="DELA", bill_to=make_customer(document="12ABC34501DE35"))
    assert found(gerencia, customer="12.abc.345/01") == found(gerencia, q="12.abc") == {"DELA"}


def test_a_title_is_found_by_the_beginning_of_its_document(gerencia, branch):
    make_title(branch=branch, document_number="NF-100-A")
    make_title(branch=branch, document_number="XNF-100")
    assert found(gerencia, document="nf-1") == found(gerencia, q="nf-1") == {"NF-100-A"}


def test_a_title_is_found_by_the_nosso_numero_of_its_slip(gerencia, branch):
    make_title(branch=branch, document_number="COM", our_numbers=("109000123",))
    make_title(branch=branch, document_number="SEM")
    assert found(gerencia, our_number="109000") == {"COM"}


def test_titles_are_those_of_an_issuing_branch(gerencia, branch):
    other = make_branch(name="Londrina")
    other.members.add(gerencia.user)
    make_title(branch=branch, document_number="DAQUI")
    make_title(branch=other, document_number="DE LÁ", collecting_branch=branch)
    assert found(gerencia, issuing=str(other.pk)) == {"DE LÁ"}
    assert found(gerencia, branch=str(branch.pk)) == {"DAQUI", "DE LÁ"}


def test_filters_narrow_together_and_keep_each_other(gerencia, branch):
    customer = make_customer(name="Metalúrgica Tibagi")
    for document, amount in (("A", "10.00"), ("B", "20.00")):
        make_title(branch=branch, document_number=document, amounts=(amount,), bill_to=customer)
    make_title(branch=branch, document_number="C", amounts=("20.00",))
    assert found(gerencia, customer="metalurgica", amount_from="15,00", status__exact="pending") == {"B"}
    html = listed(gerencia, customer="metalurgica", status__exact="pending").content.decode()
    assert '<input type="hidden" name="status__exact" value="pending">' in html


@pytest.mark.parametrize(
    ("typed", "codes"),
    [({"due_from": "31/02/2026"}, {"due_from": ["invalid"]}),
     ({"amount_to": "1,234.56"}, {"amount_to": ["invalid_amount"]}),
     ({"due_from": "02/12/2026", "due_to": "01/12/2026"}, {"due_to": ["range"]}),
     ({"customer": "a"}, {"customer": ["too_short"]}), ({"issuing": "999999"}, {"issuing": ["invalid_choice"]})],
)  # fmt: skip
def test_what_cannot_be_read_finds_nothing_and_is_told_beside_its_field(gerencia, branch, typed, codes):
    make_title(branch=branch)
    assert found(gerencia, **typed) == set()
    errors = filter_form(gerencia, **typed).errors.as_data()
    assert {name: [error.code for error in told] for name, told in errors.items()} == codes


def test_what_a_form_sends_empty_is_no_filter(gerencia, branch):
    make_title(branch=branch, document_number="A")
    response = listed(gerencia, customer="", due_from="", amount_from=" ", q="")
    assert [row.document_number for row in response.context["cl"].result_list] == ["A"]
    assert not response.context["cl"].has_active_filters


def test_a_branch_that_is_not_the_persons_finds_nothing(gerencia, branch):
    make_title(branch=branch)
    assert found(gerencia, branch=str(make_branch().pk)) == found(gerencia, branch="x") == set()


# Names are looked for from three letters on


@pytest.mark.parametrize("typed", ["a", "si", "1"])
def test_below_three_letters_only_documents_are_looked_for(gerencia, branch, typed):
    make_title(branch=branch, document_number="FAT-7", bill_to=make_customer(name="Ana Silva", document="11144477735"))
    assert found(gerencia, q=typed) == set()
    assert found(gerencia, q="fa") == {"FAT-7"}


def test_the_search_says_how_many_letters_it_wants(gerencia, branch):
    for noun in (Title, Customer, Installment):
        assert "3 letras" in gerencia.get(desk(noun, "changelist")).content.decode()


def test_a_short_name_finds_no_customer_and_says_why(gerencia, branch):
    make_customer(name="Ana Silva")
    response = gerencia.get(desk(Customer, "changelist"), {"q": "an"})
    assert list(response.context["cl"].result_list) == []
    assert len(response.context["notes"]) == 1


def test_words_that_fit_too_many_customers_say_so(gerencia, branch, monkeypatch):
    monkeypatch.setattr(finding, "MOST", 2)
    for number in range(3):
        make_title(branch=branch, document_number=f"FAT-{number}", bill_to=make_customer(name=f"Silva {number}"))
    assert found(gerencia, q="silva") == set()
    assert len(notes(gerencia, q="silva")) == 1
    assert found(gerencia, q="silva 1") == {"FAT-1"}
    assert notes(gerencia, q="silva 1") == []


def test_installments_are_found_as_their_titles_are(gerencia, branch):
    title = make_title(branch=branch, bill_to=make_customer(name="Éverton Zanella"), our_numbers=("109000123",))
    make_title(branch=branch)
    for typed in (title.document_number.lower(), "everton", "109000"):
        rows = gerencia.get(desk(Installment, "changelist"), {"q": typed}).context["cl"].result_list
        assert [row.title for row in rows] == [title]


def test_text_is_looked_for_without_accents():
    assert plain("João Conceição & Müller Ñandú") == "JOAO CONCEICAO & MULLER NANDU"


# Long lists


def test_a_list_that_is_not_counted_to_its_end_says_so(gerencia, branch, monkeypatch):
    monkeypatch.setattr(listing, "MOST_COUNTED", 3)
    due_on(branch, *(date(2026, 12, day) for day in range(1, 6)))
    response = listed(gerencia)
    assert (response.context["cl"].result_count, response.context["cl"].is_capped) == (3, True)
    assert "mais de 3 títulos" in response.content.decode()


def test_a_long_list_is_added_up_when_it_is_asked_for_and_exactly(gerencia, branch, monkeypatch):
    monkeypatch.setattr(listing, "MOST_COUNTED", 3)
    due_on(branch, *(date(2026, 12, day) for day in range(1, 6)))
    context = listed(gerencia).context
    assert "totals" not in context
    asked = gerencia.get(desk(Title, "changelist") + context["totals_address"]).context["totals"]
    assert [amount for _label, amount in asked] == [5, Decimal("5000.00"), Decimal("5000.00"), Decimal("0.00")]


def test_the_wish_for_sums_is_not_carried_on(gerencia, branch, monkeypatch):
    monkeypatch.setattr(listing, "MOST_COUNTED", 30)
    due_on(branch, *(date(2026, 12, day) for day in range(1, 32)))
    assert f"{listing.TOTALS_VAR}=1" not in listed(gerencia, _totals="1").context["cl"].get_query_string()


def test_the_next_page_goes_on_where_the_first_ended(gerencia, branch):
    due_on(branch, *(date(2026, 12, day) for day in range(1, 31)))
    first, second = (listed(gerencia, p=number).context["cl"].result_list for number in ("1", "2"))
    assert (len(first), len(second)) == (25, 5)
    assert not {row.pk for row in first} & {row.pk for row in second}
    assert [row.pk for row in (*first, *second)] == sorted((row.pk for row in (*first, *second)), reverse=True)


def test_a_page_that_is_not_there_leads_to_the_list(gerencia, branch):
    due_on(branch, *(date(2026, 12, day) for day in range(1, 31)))
    assert listed(gerencia, p="9").status_code == 302


def test_totals_are_of_what_was_found_to_the_cent(gerencia, branch):
    for number, amount in enumerate(("0.10", "0.20", "0.30", "99.99")):
        make_title(branch=branch, document_number=f"X-{number}", amounts=(amount,))
    settled = make_title(branch=branch, document_number="X-PAGO", amounts=("7.00",))
    settle_title(
        title_id=settled.pk, received=settled.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW,
        on=TODAY,
    )  # fmt: skip
    cancel_title(title_id=make_title(branch=branch, document_number="X-FORA").pk, reason=REASON, by=CASHIER)
    totals = [amount for _label, amount in listed(gerencia, document="x-").context["totals"]]
    assert totals == [Decimal("1107.59"), Decimal("100.59"), Decimal("0.00")]


def test_the_installments_of_a_cancelled_title_owe_nothing(gerencia, branch):
    make_title(branch=branch, amounts=("100.00",))
    cancel_title(title_id=make_title(branch=branch, document_number="FORA").pk, reason=REASON, by=CASHIER)
    response = gerencia.get(desk(Installment, "changelist"))
    assert [amount for _label, amount in response.context["totals"]] == [Decimal("100.00")]
    assert "Cancelado" in gerencia.get(desk(Installment, "changelist"), {"q": "fora"}).text


# The number of queries


def _counting():
    return CaptureQueriesContext(connection)


def _lively(branch, count):
    for _each in range(count):
        make_title(branch=branch, amounts=("10.00", "20.00"), due_dates=(THURSDAY, date(2026, 12, 24)),
                   our_numbers=(f"{Title.objects.count():08d}1", f"{Title.objects.count():08d}2"))  # fmt: skip


@pytest.mark.parametrize("noun", [Title, Installment, Customer])
def test_a_list_asks_as_many_queries_for_25_rows_as_for_two(gerencia, branch, noun, django_assert_num_queries):
    _lively(branch, 2)
    gerencia.get(desk(noun, "changelist"))
    with _counting() as few:
        gerencia.get(desk(noun, "changelist"))
    _lively(branch, 23)
    with django_assert_num_queries(len(few)):
        gerencia.get(desk(noun, "changelist"))


def test_a_titles_page_asks_no_more_queries_for_25_installments_than_for_two(
    gerencia, branch, django_assert_max_num_queries
):
    small, large = (
        make_title(
            branch=branch, amounts=("10.00",) * count, our_numbers=tuple(f"{count:03d}{n:05d}" for n in range(count))
        )
        for count in (2, 25)
    )
    gerencia.get(page(small))
    with _counting() as few:
        gerencia.get(page(small))
    with django_assert_max_num_queries(len(few)):
        gerencia.get(page(large))


def test_the_start_page_asks_as_many_queries_for_25_titles_as_for_two(gerencia, branch, django_assert_num_queries):
    _lively(branch, 2)
    gerencia.get("/admin/")
    with _counting() as few:
        gerencia.get("/admin/")
    _lively(branch, 23)
    with django_assert_num_queries(len(few)):
        gerencia.get("/admin/")
