"""Nova Cobrança Bancária through the pages: dialogue, preview, warnings, log, search (S40-S57, G.6, G.12, G.19)."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from receivables.admin.explain import explain
from receivables.admin.reissue import ReissueForm
from receivables.domain.errors import (
    ChangedMeanwhile,
    ConfirmationRequired,
    NewDueDateBeforeToday,
    NothingToReissue,
)
from receivables.models import BankCollectionReissue, BankSlip, Installment, SlipStatus, Title
from receivables.services.groups import FINANCEIRO
from receivables.services.reissue import reissue_bank_collection
from receivables.services.settlement import settle_installment
from tests.admin.conftest import at_the_desk
from tests.admin.pages import buttons_of, desk, errors_of, page
from tests.make import CASHIER, NOW, REASON, TODAY, deposit, make_branch, make_title, make_user

pytestmark = pytest.mark.django_db

DUE, FRIDAY = date(2026, 10, 5), datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TICKED = {"apply_charges": "on", "interest_percent": "0,033", "fine_percent": "2"}


@pytest.fixture(autouse=True)
def friday(monday):
    """The day before the example of E.6 falls due anew."""
    with time_machine.travel(FRIDAY, tick=False):
        yield


@pytest.fixture
def title(branch):
    return make_title(branch=branch, due_dates=(DUE,), our_numbers=("109000001",))


@pytest.fixture
def in_parts(branch):
    return make_title(
        branch=branch, amounts=("600.00", "400.00"), due_dates=(DUE, DUE), our_numbers=("109000001", "109000002")
    )


def typed(title, *, number=1, seen="1000.00", **values):
    usual = {
        "installment": title.installments.get(number=number).pk, "new_due_date": "21/11/2026", "reason": REASON,
        "write_off_requested": "on", "version": title.version, "seen": seen,
    }  # fmt: skip
    return {name: value for name, value in (usual | values).items() if value is not None}


def confirm(client, title, **values):
    return client.post(page(title, "reissue"), typed(title, **values))


def preview(client, title, **values):
    return client.post(page(title, "reissue_preview"), typed(title, seen="", **values))


def lines(pairs):
    return [str(value) for _label, value in pairs]


def nothing_was_done():
    return not BankCollectionReissue.objects.exists() and BankSlip.objects.get().status == SlipStatus.ISSUED


# Confirmar


def test_confirmar_does_it_all_in_one_act(financeiro, title):
    response = confirm(financeiro, title, seen="1055.51", **TICKED)
    assert response.status_code == 302
    installment = Installment.objects.get()
    assert (installment.due_date, installment.amount) == (date(2026, 11, 21), Decimal("1055.51"))
    assert BankSlip.objects.get().status == SlipStatus.SUPERSEDED
    assert BankCollectionReissue.objects.get().user == financeiro.user


def test_what_was_done_is_told(financeiro, title):
    response = financeiro.post(page(title, "reissue"), typed(title), follow=True)
    said = " ".join(str(message) for message in response.context["messages"])
    assert "109000001" in said
    assert "21/11/2026" in said


def test_an_installment_is_chosen_where_there_are_several(financeiro, in_parts):
    confirm(financeiro, in_parts, number=2, seen="400.00")
    assert BankCollectionReissue.objects.get().our_number == "109000002"
    assert [str(slip) for slip in BankSlip.objects.filter(status=SlipStatus.ISSUED)] == ["109000001"]


def test_cancelar_leaves_the_title_as_it_was(financeiro, title):
    html = financeiro.get(page(title, "reissue")).content.decode()
    assert f'<a href="{page(title)}" class="closelink">' in html
    assert nothing_was_done()


@pytest.mark.parametrize("reason", ["", "curto demais", " " * 30, "x" * 501])
def test_a_reason_has_15_to_500_characters(financeiro, title, reason):
    assert "reason" in errors_of(confirm(financeiro, title, reason=reason))
    assert nothing_was_done()


def test_a_new_due_date_before_today_is_told_beside_its_field(financeiro, title):
    response = confirm(financeiro, title, new_due_date="19/11/2026")
    assert errors_of(response) == {"new_due_date": [NewDueDateBeforeToday.code]}


def test_today_is_a_new_due_date(financeiro, title):
    confirm(financeiro, title, new_due_date="20/11/2026")
    assert Installment.objects.get().due_date == date(2026, 11, 20)


def test_the_write_off_at_the_bank_must_be_ticked(financeiro, title):
    assert errors_of(confirm(financeiro, title, write_off_requested=None)) == {"write_off_requested": ["required"]}
    assert nothing_was_done()


@pytest.mark.parametrize("field", ["interest_percent", "fine_percent"])
@pytest.mark.parametrize("text", ["-1", "100,01", "0,00001", "dois", ""])
def test_an_odd_percentage_is_told_beside_its_field(financeiro, title, field, text):
    assert field in errors_of(confirm(financeiro, title, **TICKED | {field: text}))
    assert nothing_was_done()


def test_unticked_what_the_percents_hold_is_not_asked(financeiro, title):
    confirm(financeiro, title, interest_percent="-1", fine_percent="9")
    assert BankCollectionReissue.objects.get().new_amount == Decimal("1000.00")


def test_percents_above_the_custom_ask_for_a_tick(financeiro, title):
    above = TICKED | {"fine_percent": "3", "seen": "1075.51"}
    response = confirm(financeiro, title, **above)
    assert errors_of(response) == {"confirmed": [ConfirmationRequired.code]}
    assert nothing_was_done()
    confirm(financeiro, title, confirmed="above_custom", **above)
    assert BankCollectionReissue.objects.get().fine == Decimal("60.00")


@pytest.mark.parametrize("seen", ["", "1000.00"])
def test_a_total_that_was_not_seen_is_shown_before_it_is_confirmed(financeiro, title, seen):
    response = confirm(financeiro, title, seen=seen, **TICKED)
    assert errors_of(response) == {"__all__": ["not_seen"]}
    assert response.context["form"]["seen"].value() == "1055.51"
    assert nothing_was_done()


# The dialogue and its preview


def test_the_dialogue_shows_due_date_responsible_and_day(financeiro, title):
    shown = lines(financeiro.get(page(title, "reissue")).context["form"].what_is())
    assert {"05/10/2026", financeiro.user.username, "20/11/2026", "109000001"} <= set(shown)


def test_calcular_shows_days_months_and_reais_and_writes_nothing(financeiro, title):
    response = confirm(financeiro, title, _calculate="1", reason="", write_off_requested=None, **TICKED)
    form = response.context["form"]
    assert lines(form.what_will_be())[1:] == ["47", "2", "R$ 15,51", "R$ 40,00", "R$ 1.055,51", "R$ 1.055,51"]
    assert errors_of(response) == {}
    assert nothing_was_done()


def test_calcular_tells_what_is_wrong_with_what_it_calculates_from(financeiro, title):
    response = confirm(financeiro, title, _calculate="1", reason="", new_due_date="19/11/2026")
    assert errors_of(response) == {"new_due_date": [NewDueDateBeforeToday.code]}


def test_what_calcular_showed_may_be_confirmed(financeiro, title):
    shown = confirm(financeiro, title, _calculate="1", seen="", **TICKED).context["form"]
    confirm(financeiro, title, seen=shown["seen"].value(), **TICKED)
    assert BankCollectionReissue.objects.get().new_amount == Decimal("1055.51")


def test_the_invoice_total_is_that_of_all_installments(financeiro, in_parts):
    response = confirm(financeiro, in_parts, number=2, _calculate="1", **TICKED)
    assert lines(response.context["form"].what_will_be())[-2:] == ["R$ 422,20", "R$ 1.022,20"]


def test_the_preview_is_the_same_as_json(financeiro, title):
    told = preview(financeiro, title, reason="", **TICKED).json()
    assert [value for _label, value in told["will_be"][1:5]] == ["47", "2", "R$ 15,51", "R$ 40,00"]
    assert (told["hidden"]["seen"], told["errors"]) == ("1055.51", [])
    assert nothing_was_done()


def test_the_preview_tells_a_broken_rule(financeiro, title):
    told = preview(financeiro, title, new_due_date="19/11/2026").json()
    assert told["errors"] == [explain(NewDueDateBeforeToday(day=date(2026, 11, 19)))]
    assert {value for _label, value in told["will_be"][1:]} == {"—"}


def test_the_preview_is_not_read_by_get(financeiro, title):
    assert financeiro.get(page(title, "reissue_preview")).status_code == 405


def test_the_installments_terms_are_proposed(financeiro, title):
    form = financeiro.get(page(title, "reissue")).context["form"]
    assert 'value="0,0333"' in str(form["interest_percent"])
    assert 'value="2,00"' in str(form["fine_percent"])


def test_the_warnings_stand_beside_the_button_on_top_and_again_at_confirmar(financeiro, title):
    on_the_title = financeiro.get(page(title)).content.decode()
    dialogue = financeiro.get(page(title, "reissue")).content.decode()
    for notice in ReissueForm.notices:
        assert on_the_title.count(str(notice)) == 1
        above, _form, below = re.split(r"(<form method=\"post\" novalidate)", dialogue)
        assert (above.count(str(notice)), below.count(str(notice))) == (1, 1)


def test_the_dialogue_has_no_script_of_its_own(financeiro, title):
    html = financeiro.get(page(title, "reissue")).content.decode()
    assert "receivables/reissue.js" in html
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*[^\s<]", html)


# Who, and when not


def test_the_button_is_there_for_a_pending_installment_with_a_slip_only(financeiro, branch, title):
    assert "reissue" in buttons_of(financeiro, title)
    assert "reissue" not in buttons_of(financeiro, make_title(branch=branch))
    settle_installment(
        installment_id=title.installments.get().pk, received=Decimal(100), received_on=FRIDAY.date(),
        deposit=deposit(on=FRIDAY.date()), by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip
    assert "reissue" not in buttons_of(financeiro, title)


def test_each_pending_installment_with_a_slip_has_its_link(financeiro, in_parts):
    confirm(financeiro, in_parts, seen="600.00")
    html = financeiro.get(page(in_parts)).content.decode()
    links = re.findall(rf'href="{page(in_parts, "reissue")}\?installment=(\d+)"', html)
    assert links == [str(in_parts.installments.get(number=2).pk)]


def test_the_link_of_an_installment_chooses_it(financeiro, in_parts):
    second = in_parts.installments.get(number=2)
    assert financeiro.get(page(in_parts, "reissue"), {"installment": second.pk}).context["form"].chosen == second


def test_a_title_without_anything_to_reissue_says_so(financeiro, branch):
    bare = make_title(branch=branch)
    response = financeiro.get(page(bare, "reissue"), follow=True)
    (said,) = response.context["messages"]
    assert str(said) == explain(NothingToReissue(title=str(bare)))
    assert preview(financeiro, bare).status_code == 409


@pytest.mark.parametrize("person", ["tesouraria", "suporte"])
def test_it_needs_its_permission(request, title, person):
    client = request.getfixturevalue(person)
    assert "reissue" not in buttons_of(client, title)
    assert confirm(client, title).status_code == 403
    assert preview(client, title).status_code == 403
    assert nothing_was_done()


def test_it_goes_through_the_issuing_branch(branch):
    collecting = make_branch(name="Cobradora")
    client = at_the_desk(make_user(group=FINANCEIRO, branches=(collecting,)))
    title = make_title(branch=branch, collecting_branch=collecting, due_dates=(DUE,), our_numbers=("1",))
    assert confirm(client, title).status_code == 403
    assert nothing_was_done()


def test_a_title_of_another_branch_is_not_found(foreigner, title):
    assert confirm(foreigner, title).status_code == 404
    assert preview(foreigner, title).status_code == 404


def test_a_second_click_does_nothing_more(financeiro, title):
    for _click in range(2):
        confirm(financeiro, title)
    assert BankCollectionReissue.objects.count() == 1


def test_a_page_older_than_the_title_is_refused(financeiro, in_parts):
    stale = typed(in_parts, number=2, seen="400.00")
    confirm(financeiro, in_parts, seen="600.00")
    response = financeiro.post(page(in_parts, "reissue"), stale)
    assert errors_of(response) == {"__all__": [ChangedMeanwhile.code]}
    assert BankCollectionReissue.objects.count() == 1


# The log and the search


@pytest.fixture
def reissued(title):
    reissue_bank_collection(
        installment_id=title.installments.get().pk, new_due_date=date(2026, 11, 21), reason=REASON, apply_charges=False,
        write_off_requested=True, by=CASHIER, on=FRIDAY.date(), now=NOW,
    )  # fmt: skip
    return title


def test_the_log_is_on_the_titles_page(suporte, reissued):
    tables = suporte.get(page(reissued)).context["tables"]
    log = [str(cell.text) for cell in tables[-1].rows[0]]
    assert log[1:] == ["1/1", "109000001", "05/10/2026", "21/11/2026", "1.000,00", "1.000,00", CASHIER.name, REASON]
    assert "23/11/2026 12:00" in log[0]


def test_the_title_has_no_nosso_numero_any_more(financeiro, reissued):
    form = financeiro.get(page(reissued)).context["adminform"]
    assert form.model_admin.our_number(reissued) == "—"


def test_the_former_nosso_numero_still_finds_the_title(financeiro, reissued):
    found = financeiro.get(desk(Title, "changelist"), {"q": "109000001"}).context["cl"].result_list
    assert list(found) == [reissued]


def test_the_log_is_seen_by_the_titles_branches_only(foreigner, suporte, reissued):
    event = BankCollectionReissue.objects.get()
    assert (suporte.get(page(event)).status_code, foreigner.get(page(event)).status_code) == (200, 404)
