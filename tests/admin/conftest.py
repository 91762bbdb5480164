"""A Monday afternoon in the back office, and people of each group at their desks."""

import pytest
import time_machine
from django.test import Client

from receivables.services.groups import FINANCEIRO, GERENCIA, SUPORTE, TESOURARIA
from tests.make import NOW, make_branch, make_user


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def branch(db):
    return make_branch()


def at_the_desk(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.user = user
    return client


def _of_group(group):
    @pytest.fixture
    def person(branch):
        return at_the_desk(make_user(group=group, branches=(branch,)))

    return person


financeiro, tesouraria, gerencia, suporte = map(_of_group, (FINANCEIRO, TESOURARIA, GERENCIA, SUPORTE))


@pytest.fixture
def chief(db):
    return at_the_desk(make_user(is_superuser=True))


@pytest.fixture
def foreigner(db):
    """A manager of another branch."""
    return at_the_desk(make_user(group=GERENCIA, branches=(make_branch(name="Outra"),)))
