"""Monitor de sincronização: who sees it, what it leads to, and a manager's wish for a synchronisation at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pos_sync.models import SyncRun
from receivables.models import SYSTEM
from tests.admin.conftest import at_the_desk
from tests.make import make_branch, make_user
from tests.pos_sync.test_ingestion import Till, make_device
from tests.pos_sync.test_monitor import issue

pytestmark = pytest.mark.django_db

MONITOR, SYNC = "/admin/pos_sync/monitor/", "/admin/pos_sync/monitor/sync/"


@pytest.fixture
def till(branch):
    return Till(make_device(branch))


def links_of(answer):
    """The addresses of the page's own part, not those of the menu."""
    own = answer.content.decode().split('id="content"')[1]
    return [part.split('"')[0].replace("&amp;", "&") for part in own.split('href="')[1:]]


def test_without_a_till_it_says_how_to_pair_one(gerencia):
    answer = gerencia.get(MONITOR)
    assert answer.context["monitor"].tills == []
    assert reverse("admin:pos_sync_device_pair") in links_of(answer)


def test_it_names_the_numbers_that_are_missing(gerencia, till):
    issue(till, "03-000001", "03-000003")
    assert "03-000002" in gerencia.get(MONITOR).content.decode()


def test_every_number_leads_to_its_list(gerencia, till):
    issue(till, "03-000001", "03-000003")
    till.push(till.receipt(paid=1000))  # of nobody: held
    leads = [each for each in links_of(gerencia.get(MONITOR)) if "?" in each and each.startswith("/admin/")]
    assert any("state__in=held" in each for each in leads)
    assert any("number__startswith=03-" in each for each in leads)
    for each in leads:
        answer = gerencia.get(each)
        assert answer.status_code == 200, each
        assert answer.context["cl"].result_count > 0 or "syncrun" in each, each


@pytest.mark.parametrize(("show", "count"), [("", 2), ("look", 2), ("silent", 2), ("missing", 1), ("nonsense", 2)])
def test_the_tills_are_narrowed_by_what_is_to_be_looked_at(gerencia, till, branch, show, count):
    issue(till, "03-000002")
    device = type(till.device)(branch=branch, till="04", install_id="x")
    device.save_as(SYSTEM)
    parts = gerencia.get(MONITOR, {"show": show}).context["parts"]
    assert sum(len(lines) for _part, lines in parts) == count


def test_the_page_asks_as_much_for_many_tills_as_for_one(gerencia, till, branch):
    issue(till, "03-000001")
    gerencia.get(MONITOR)
    with CaptureQueriesContext(connection) as few:
        gerencia.get(MONITOR)
    for number in range(4, 8):
        device = type(till.device)(branch=branch, till=f"0{number}", install_id="x", paired_at=till.device.paired_at)
        device.save_as(SYSTEM)
        issue(Till(device), f"0{number}-000003")
    with CaptureQueriesContext(connection) as many:
        gerencia.get(MONITOR)
    assert len(many) == len(few)


def test_the_branch_that_one_looks_at_narrows_it(till):
    other = make_branch()
    Till(make_device(other, till="04"))
    person = at_the_desk(make_user(group="Gerência", branches=(till.device.branch, other)))
    assert len(person.get(MONITOR).context["monitor"].tills) == 2
    person.post("/admin/branch/", {"branch": other.pk})
    assert [line.device.till for line in person.get(MONITOR).context["monitor"].tills] == ["04"]


def test_a_manager_has_a_branch_synchronised_at_once(gerencia, till, branch):
    answer = gerencia.post(SYNC, {"branch": branch.pk}, follow=True)
    run = SyncRun.objects.get()
    assert (run.branch, run.why, run.result, run.asked_by) == (branch, "person", "built", gerencia.user.username)
    assert [message.level_tag for message in answer.context["messages"]] == ["success"]


def test_a_synchronisation_that_fails_is_told(gerencia, till, branch, monkeypatch):
    monkeypatch.setattr("pos_sync.services.snapshot._Told.read", lambda *_given, **_named: 1 / 0)
    answer = gerencia.post(SYNC, {"branch": branch.pk}, follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]


def test_only_who_manages_devices_synchronises(suporte, till, branch):
    assert suporte.get(MONITOR).status_code == 200
    assert SYNC not in suporte.get(MONITOR).content.decode()
    assert suporte.post(SYNC, {"branch": branch.pk}).status_code == 403


@pytest.mark.parametrize("said", ["", "x", "-1", "²", "9" * 30])
def test_a_branch_that_is_none_is_not_found(gerencia, till, said):
    assert gerencia.post(SYNC, {"branch": said}).status_code == 404


def test_another_branch_is_not_synchronised(foreigner, till, branch):
    assert foreigner.post(SYNC, {"branch": branch.pk}).status_code == 404
    assert foreigner.get(MONITOR).context["monitor"].tills == []


def test_it_is_asked_for_by_a_post_alone(gerencia, till):
    assert gerencia.get(SYNC).status_code == 405


def test_a_stranger_sees_nothing(client):
    assert client.get(MONITOR).status_code == 302
