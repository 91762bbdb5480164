"""History is read as sentences and never set back (stack.md: the revert trap)."""

import pytest

from receivables.models import Title, TitleStatus
from tests.admin.pages import page, settlement
from tests.make import REASON, make_title

pytestmark = pytest.mark.django_db


@pytest.fixture
def title(branch):
    return make_title(branch=branch)


def version_of(title, record):
    return f"{page(title, 'history')}{record.history_id}/"


def test_the_history_names_who_how_why_and_the_values(financeiro, title):
    financeiro.post(page(title, "cancel"), {"reason": REASON})
    newest = financeiro.get(page(title, "history")).context["entries"][0]
    assert (newest.record.actor, newest.record.channel) == (financeiro.user.username, "back_office")
    assert newest.record.history_change_reason == REASON
    told = {change.label: (change.old, change.new) for change in newest.changes}
    assert (TitleStatus.PENDING.label, TitleStatus.CANCELLED.label) in told.values()


def test_amounts_and_dates_of_the_history_are_brazilian(financeiro, title):
    financeiro.post(page(title, "settle"), settlement(title, "1.000,00"))
    html = financeiro.get(page(title, "history")).content.decode()
    assert "1.000,00" in html
    assert "23/11/2026" in html


def test_one_version_is_shown_as_it_stood(financeiro, title):
    first = title.history.earliest()
    financeiro.post(page(title, "settle"), settlement(title, "1.000,00"))
    response = financeiro.get(version_of(title, first))
    assert str(TitleStatus.PENDING.label) in dict(response.context["values"]).values()


@pytest.mark.parametrize("person", ["gerencia", "chief"])
def test_a_version_is_never_set_back(request, person, title):
    client = request.getfixturevalue(person)
    first = title.history.earliest()
    client.post(page(title, "settle"), settlement(title, "1.000,00"))
    versions = title.history.count()
    assert client.post(version_of(title, first), {"_save": "1", "document_number": "X"}).status_code == 405
    assert (Title.objects.get().status, title.history.count()) == (TitleStatus.SETTLED, versions)


def test_the_history_of_another_branch_is_not_found(foreigner, title):
    assert foreigner.get(page(title, "history")).status_code == 404
    assert foreigner.get(version_of(title, title.history.earliest())).status_code == 404
