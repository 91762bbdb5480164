"""The trail: what people, tills and the system did, found by person, action, document; never another branch's."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pos_sync.models import TillOperator
from receivables.admin import audit
from receivables.admin.explain import MOVES
from receivables.admin.report_pages import REPORTS
from receivables.admin.trail import ADDED, CHANGED, Mark
from receivables.admin.trail.sources import DEEDS, sources
from receivables.models import SYSTEM, Actor, CashMovement, Receipt
from receivables.models.audited import AppendOnlyModel, AuditedModel
from receivables.services.cash_day import close_day, reopen_day
from receivables.services.exported_list import record_export
from tests.admin.pages import page, settlement
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_branch, make_title
from tests.pos_sync.test_ingestion import Till, line, make_device
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def title(branch):
    return make_title(branch=branch)


@pytest.fixture
def reversed_title(gerencia, title):
    gerencia.post(page(title, "settle"), settlement(title, "1.000,00"))
    gerencia.post(page(title, "reverse"), {"reason": REASON})
    title.refresh_from_db()
    return title


def only_receipt():
    return Receipt.objects.get()


def asked(client, **filters):
    response = client.get(reverse("admin:audit"), filters)
    assert response.status_code == 200
    return response


def told(client, **filters):
    return [each for _day, lines in asked(client, **filters).context["days"] for each in lines]


def deeds(client, **filters):
    return {each.deed for each in told(client, **filters)}


# What is told


def test_a_reversal_is_a_sentence_with_who_amount_and_reason(gerencia, reversed_title):
    gerencia.user.first_name, gerencia.user.last_name = "Ana", "Souza"
    gerencia.user.save()
    (line_,) = [each for each in told(gerencia) if each.deed == f"estornou o recebimento {only_receipt()}"]
    assert (line_.who, line_.reason) == ("Ana Souza (Gerência)", REASON)
    assert line_.facts[:2] == ["R$ 1.000,00", f"título {reversed_title}"]


def test_old_and_new_values_stand_under_a_change(gerencia, reversed_title):
    (settled,) = [each for each in told(gerencia) if each.deed == f"liquidou o título {reversed_title}"]
    assert ("0,00", "1.000,00") in [(change.old, change.new) for change in settled.changes]


def test_a_line_links_to_its_row(gerencia, reversed_title):
    html = asked(gerencia).content.decode()
    assert f'href="{page(Receipt.objects.get())}"' in html


def test_who_exported_what_is_told(gerencia, title):
    gerencia.post(reverse("admin:export", args=["receivables", "title"]), {"file": "csv"})
    assert "exportou a lista “títulos”" in deeds(gerencia, action="Exportar")


@pytest.mark.parametrize("code", REPORTS)
def test_a_report_that_went_out_is_told_by_its_name(gerencia, title, code):
    query = {"customer": title.bill_to_id, "account": cash_account(title.collecting_branch).pk}
    gerencia.post(f"{reverse('admin:reports_one', args=[code])}?{urlencode(query)}", {"file": "csv"})
    gerencia.get(reverse("admin:reports_pdf", args=[code]), query)
    name = str(REPORTS[code].label)
    told = deeds(gerencia, action="Exportar")
    assert f"exportou a lista “{name}”" in told
    assert f"gerou o PDF “{name}”" in told


def test_a_receipt_that_was_printed_is_told(gerencia, title):
    receipt = settle(title, "1000.00")
    gerencia.get(reverse("admin:receipt_80mm", args=[receipt.pk]))
    assert "gerou o PDF “Recibo 80 mm”" in deeds(gerencia, action="Exportar")


def test_what_was_exported_from_a_list_that_is_no_more_is_told_as_it_was_written(gerencia):
    record_export(
        noun="gone.list", file_format="csv", query="", row_count=1, is_cut=False, by=Actor.person(gerencia.user)
    )
    assert "exportou a lista “gone.list”" in deeds(gerencia, action="Exportar")


def test_a_login_is_told(gerencia, suporte):
    assert {each.actor for each in told(suporte, action="Entrar")} == {
        suporte.user.username, gerencia.user.username
    }  # fmt: skip


def test_a_secret_only_says_that_it_changed(gerencia, branch):
    operator = TillOperator(branch=branch, code="1", name="Bia", pin_hash="first-hash")
    operator.save_as(SYSTEM)
    operator.pin_hash = "second-hash"
    operator.save_as(SYSTEM)
    html = asked(gerencia).content.decode()
    assert "•••" in html
    assert "-hash" not in html


def test_a_closed_and_reopened_day_is_told(gerencia, branch):
    account = cash_account(branch).pk
    close_day(account_id=account, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    reopen_day(account_id=account, day=TODAY, reason=REASON, by=CASHIER, now=NOW)
    found = [each.deed.split(" de ")[0] for each in told(gerencia, who="ana")]
    assert {"fechou o caixa", "reabriu o caixa"} <= set(found)


def test_what_a_till_sent_is_told_under_its_name(gerencia, branch):
    title = make_title(branch=branch)
    till = Till(make_device(branch))
    till.push(till.receipt(line(title.installments.get(), 100_000)))
    found = deeds(gerencia, who=f"PDV {branch.code}/03")
    assert {"enviou: Recebimento", "recebeu no recebimento 03-000001", f"liquidou o título {title}"} <= found


# What is asked


def test_a_line_is_found_by_its_person(gerencia, financeiro, reversed_title):
    other = make_title(branch=reversed_title.issuing_branch)
    financeiro.post(page(other, "settle"), settlement(other, "1.000,00"))
    found = deeds(gerencia, who=financeiro.user.username)
    assert f"liquidou o título {other}" in found
    assert f"liquidou o título {reversed_title}" not in found


def test_a_line_is_found_by_the_name_of_its_person(gerencia, reversed_title):
    gerencia.user.first_name, gerencia.user.last_name = "Ana", "Souza"
    gerencia.user.save()
    assert f"liquidou o título {reversed_title}" in deeds(gerencia, who="ana souza")


def test_a_line_is_found_by_its_document(gerencia, branch, reversed_title):
    other = make_title(branch=branch)
    found = deeds(gerencia, document=reversed_title.document_number)
    assert {f"liquidou o título {reversed_title}", f"estornou o recebimento {only_receipt()}"} <= found
    assert not any(str(other) in deed for deed in found)


@pytest.mark.parametrize("shape", ["{:06d}", "{}"])
def test_a_line_is_found_by_the_number_of_its_receipt(gerencia, reversed_title, shape):
    text = shape.format(only_receipt().pk)
    assert {f"recebeu no recebimento {only_receipt()}", f"estornou o recebimento {only_receipt()}"} <= deeds(
        gerencia, document=text
    )


def test_a_line_is_found_by_a_nosso_numero(gerencia, branch):
    title = make_title(branch=branch, our_numbers=("109000001",))
    assert deeds(gerencia, document="109000001") == {
        f"emitiu o título {title}", f"incluiu parcela {title} 1/1", "emitiu o boleto 109000001"
    }  # fmt: skip


def test_a_document_that_nobody_has_finds_nothing(gerencia, reversed_title):
    assert told(gerencia, document="X-404") == []


def test_a_line_is_found_by_its_customer(gerencia, branch, reversed_title):
    other = make_title(branch=branch)
    found = deeds(gerencia, customer=reversed_title.bill_to.document)
    assert {f"liquidou o título {reversed_title}", f"estornou o recebimento {only_receipt()}"} <= found
    assert not any(str(other) in deed for deed in found)


def test_a_line_is_found_by_its_action(gerencia, reversed_title):
    found = told(gerencia, action="Estornar")
    assert {str(each.action) for each in found} == {"Estornar"}
    assert {str(each.noun) for each in found} == {"título", "parcela", "estorno", str(CashMovement._meta.verbose_name)}


def test_changes_are_found_apart_from_moves(gerencia, branch, reversed_title):
    account = cash_account(branch)
    account.name = "Caixa novo"
    account.save_as(SYSTEM)
    assert deeds(gerencia, action="Alterar") == {f"alterou conta {account}"}


def test_a_line_is_found_by_its_noun(gerencia, reversed_title):
    assert deeds(gerencia, noun="receivables.receipt") == {f"recebeu no recebimento {only_receipt()}"}


def test_a_line_is_found_by_its_channel(gerencia, reversed_title):
    assert {each.actor for each in told(gerencia, channel="system")} == {"system"}


def test_a_period_is_always_set(gerencia, title):
    with time_machine.travel(NOW + timedelta(days=6), tick=False):
        gerencia.force_login(gerencia.user, backend="django.contrib.auth.backends.ModelBackend")
        assert f"emitiu o título {title}" in deeds(gerencia)
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        gerencia.force_login(gerencia.user, backend="django.contrib.auth.backends.ModelBackend")
        assert f"emitiu o título {title}" not in deeds(gerencia)
        assert f"emitiu o título {title}" in deeds(gerencia, since="23/11/2026")


def test_a_period_ends_with_its_last_day(gerencia, title):
    assert f"emitiu o título {title}" in deeds(gerencia, since="23/11/2026", until="23/11/2026")
    assert f"emitiu o título {title}" not in deeds(gerencia, since="20/11/2026", until="22/11/2026")


@pytest.mark.parametrize("period", [
    {"since": "01/01/2026", "until": "23/11/2026"}, {"since": "23/11/2026", "until": "22/11/2026"}, {"since": "ontem"},
])  # fmt: skip
def test_a_period_that_is_no_good_is_marked_and_reads_nothing(gerencia, title, period):
    response = asked(gerencia, **period)
    assert response.context["form"].errors
    assert response.context["days"] == []


# Who sees what


def test_support_reads_the_trail(suporte, reversed_title):
    assert f"liquidou o título {reversed_title}" in deeds(suporte)


@pytest.mark.parametrize("person", ["financeiro", "tesouraria"])
def test_the_trail_is_for_those_who_may_see_it(request, person, title):
    assert request.getfixturevalue(person).get(reverse("admin:audit")).status_code == 403


def test_the_trail_tells_nothing_of_another_branch(foreigner, branch, reversed_title):
    till = Till(make_device(branch))
    till.push(till.receipt(line(make_title(branch=branch).installments.get(), 100_000)))
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    html = asked(foreigner).content.decode()
    assert str(reversed_title) not in html
    assert f"{branch.code}/03" not in html
    assert "recebimento 0" not in html
    assert str(cash_account(branch)) not in html
    assert told(foreigner, document=str(reversed_title)) == []


def test_people_of_other_branches_are_neither_named_nor_told(foreigner, gerencia):
    response = asked(foreigner, action="Entrar")
    assert gerencia.user.username not in response.content.decode()


# How much is read


def settled_titles(branch, count):
    for _each in range(count):
        settle(make_title(branch=branch), "1000.00")


def test_more_lines_do_not_ask_more_queries(gerencia, branch):
    settled_titles(branch, 1)
    asked(gerencia)
    with CaptureQueriesContext(
        connection,
    ) as few:
        asked(gerencia)
    settled_titles(branch, 5)
    with CaptureQueriesContext(connection) as many:
        assert len(told(gerencia)) > 40
    assert len(many) == len(few)


@pytest.mark.parametrize("ticks", [True, False])
def test_pages_hold_every_line_once(gerencia, branch, monkeypatch, ticks):
    with time_machine.travel(NOW, tick=ticks):
        settled_titles(branch, 4)
    whole = [(each.at, each.deed) for each in told(gerencia, until="23/11/2026", since="23/11/2026")]
    monkeypatch.setattr(audit, "PER_PAGE", 7)
    read, address = [], f"{reverse('admin:audit')}?since=23/11/2026"
    while address:
        context = gerencia.get(address).context
        read += [(each.at, each.deed) for _day, lines in context["days"] for each in lines]
        address = context["older"] and reverse("admin:audit") + context["older"]
    assert read == whole


@pytest.mark.parametrize(
    "text", ["", "x", "2026-11-23|a|1", "2026-13-45T00:00+00:00|a|1", "2026-11-23T00:00+00:00|a|x"]
)
def test_a_mark_that_nobody_gave_is_no_mark(text):
    assert Mark.read(text) is None


def test_a_mark_is_read_as_it_was_written():
    mark = Mark(NOW, "receivables.title", 7)
    assert Mark.read(str(mark)) == mark


def test_the_trail_goes_out_as_a_file_with_every_page(gerencia, branch, monkeypatch):
    settled_titles(branch, 3)
    monkeypatch.setattr(audit, "PER_READ", 10)
    lines = len(told(gerencia))
    response = gerencia.post(f"{reverse('admin:audit')}?since=23/11/2026", {"file": "csv"})
    assert len(response.getvalue().decode("utf-8-sig").splitlines()) == lines + 1


# Nothing that remembers is left out


def test_every_row_that_remembers_is_a_source_or_a_part_of_one(gerencia, rf):
    """A new append-only row without a list of its own says in `trail.nouns` by which noun it is seen."""
    request = rf.get("/")
    request.user = gerencia.user
    hidden = [each.code for each in sources() if each.seen(request, each.model._base_manager.all()) is None]
    assert hidden == []
    assert {each.subject for each in sources()} >= {
        model for model in AuditedModel.__subclasses__() if not model._meta.abstract
    }
    assert all(each.subject._meta.model is each.subject for each in sources())


def test_each_deed_is_one_that_can_be_done():
    known = {each.code for each in sources()}
    unknown = {
        key for key in DEEDS if key not in MOVES and not (key[-1] in (ADDED, CHANGED) and key[:-2] in known)
    }  # fmt: skip
    assert unknown == set()


def test_each_source_has_a_name_of_its_own():
    codes = [each.code for each in sources()]
    assert len(codes) == len(set(codes))
    assert all(issubclass(each.model, AppendOnlyModel) or each.at != "posted_at" for each in sources())


def test_a_till_of_another_branch_is_not_offered(gerencia):
    make_device(make_branch(name="Outra"), till="77")
    assert "/77" not in asked(gerencia).content.decode()
