"""`among` finds what `in` finds, in one parameter."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from receivables.models import Customer, Installment, Title
from tests.make import make_branch, make_customer, make_title

pytestmark = pytest.mark.django_db


@pytest.fixture
def customers():
    names = ["", "null", "a,b", '"x"', "O'Neill", "{Ana}", "ana", "\\N", "é\t%s"]
    return [make_customer(document=f"529982247{place:02d}", name=name) for place, name in enumerate(names)]


def test_texts_are_found_to_the_letter(customers):
    for one in customers:
        assert list(Customer.objects.filter(name__among=[one.name])) == [one]
    names = [one.name for one in customers]
    assert set(Customer.objects.filter(name__among=names)) == set(customers)
    assert not Customer.objects.filter(name__among=["ANA", "Null", "a", "{Ana"]).exists()


def test_keys_and_what_points_to_them_are_found(customers):
    branch = make_branch()
    titles = [make_title(branch=branch, amounts=("1.00", "2.00")) for _ in range(3)]
    wanted = {title.pk for title in titles[:2]}
    assert set(Title.objects.filter(pk__among=wanted)) == set(titles[:2])
    assert Installment.objects.filter(title__among=wanted).count() == 4


def test_none_among_none(customers):
    assert not Customer.objects.filter(pk__among=[]).exists()
    assert not Customer.objects.filter(name__among=set()).exists()


def test_thousands_are_one_parameter(customers):
    with CaptureQueriesContext(connection) as queries:
        found = Customer.objects.filter(pk__among=range(50_000)).count()
    assert (found, len(queries)) == (len(customers), 1)


def test_what_is_no_value_of_the_column_is_refused():
    with pytest.raises(ValueError, match="expected a number"):
        Customer.objects.filter(pk__among=["x"])
