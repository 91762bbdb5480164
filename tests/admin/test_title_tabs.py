"""The title's page: parts as tabs, what is only read, Contra Apresentação, the paper (S2, S21, S22, S39, S82, G.21)."""

from datetime import date

import pytest

from receivables.domain.errors import DueAfterPresentation, PresentationInParts
from receivables.models import Title, TitleStatus
from tests.admin.pages import buttons_of, desk, errors_of, page, settlement
from tests.admin.test_title_pages import add, as_shown
from tests.make import TODAY, make_title

pytestmark = pytest.mark.django_db


@pytest.fixture
def title(branch):
    return make_title(branch=branch, notes="Cobrar com o Sr. Hélio")


def fields_of(client, title):
    return client.get(page(title)).context["adminform"].form.fields


# Tabs


def test_the_parts_of_a_title_are_tabs_that_are_anchors_too(financeiro, title):
    html = financeiro.get(page(title)).content.decode()
    for slug in ("tab-data", "tab-1", "tab-2", "tab-3", "tab-4", "tab-history"):
        assert f'href="#{slug}"' in html
        assert f'id="{slug}"' in html


def test_the_tabs_stand_in_the_order_of_the_work(financeiro, title):
    tabs = financeiro.get(page(title)).context["tabs"]
    assert [str(tab.title) for tab in tabs] == ["Parcelas", "Recebimentos", "Caixa e bancos", "Boletos"]
    assert [str(table.title) for table in tabs[-1].tables] == ["Boletos", "Novas cobranças bancárias"]


def test_the_newest_history_is_told_in_its_tab(financeiro, title):
    financeiro.post(page(title, "settle"), settlement(title, "1.000,00"))
    days = financeiro.get(page(title)).context["days"]
    told = [str(line.who) for _day, lines in days for line in lines]
    assert any(financeiro.user.username in who for who in told)


def test_the_postings_of_a_title_are_listed_with_reversals(financeiro, title):
    financeiro.post(page(title, "settle"), settlement(title, "1.000,00"))
    cash = financeiro.get(page(title)).context["tabs"][2]
    assert cash.count == 1


def test_a_list_has_no_tabs(financeiro, title):
    assert "tabs" not in financeiro.get(page(title.bill_to)).context


# What is read, what is typed


def test_what_is_only_read_is_told_in_words(suporte, branch):
    html = suporte.get(page(make_title(branch=branch, has_attached_report=True))).content.decode()
    assert "icon-yes" not in html
    assert "icon-no" not in html


def test_one_installment_shows_due_date_slip_and_balance_in_place(financeiro, branch):
    title = make_title(branch=branch, our_numbers=("109000007",))
    response = financeiro.get(page(title))
    shown = response.context["adminform"].readonly_fields
    assert {"our_number", "open_balance"} <= set(shown)
    assert 'value="23/11/2026"' in str(response.context["adminform"].form["due_date"])


def test_several_installments_offer_neither_amount_nor_due_date_nor_presentation(financeiro, branch):
    title = make_title(branch=branch, amounts=("500.00", "500.00"))
    assert not {"amount", "due_date", "payable_on_presentation"} & fields_of(financeiro, title).keys()
    assert "#tab-1" in financeiro.get(page(title)).content.decode()


def test_rare_moves_stand_last(financeiro, title):
    html = financeiro.get(page(title)).content.decode()
    assert html.index("act-settle") < html.index("link-print") < html.index("act-cancel")
    assert "cancel" in buttons_of(financeiro, title)


# Contra Apresentação


def test_ticked_without_a_due_date_a_title_falls_due_15_days_after_its_issue(financeiro, branch):
    add(financeiro, branch, payable_on_presentation="on", due_date="", issued_on="21/11/2026")
    assert Title.objects.get().installments.get().due_date == date(2026, 12, 6)


def test_unticked_a_due_date_is_asked(financeiro, branch):
    assert errors_of(add(financeiro, branch, due_date="")) == {"due_date": ["required"]}


def test_on_presentation_a_plan_is_refused_beside_its_field(financeiro, branch):
    response = add(financeiro, branch, payable_on_presentation="on", due_date="", parts="2")
    assert errors_of(response)["parts"] == [PresentationInParts.code]


def test_the_form_says_why_the_days_are_few(financeiro, title):
    assert "2926" in str(fields_of(financeiro, title)["payable_on_presentation"].help_text)


def test_a_title_that_becomes_payable_on_presentation_follows_the_rule(financeiro, branch):
    title = make_title(branch=branch, issued_on=TODAY, due_dates=(date(2026, 12, 23),))
    typed = as_shown(title, payable_on_presentation="on", due_date="23/12/2026")
    assert errors_of(financeiro.post(page(title), typed)) == {"due_date": [DueAfterPresentation.code]}
    financeiro.post(page(title), typed | {"due_date": ""})
    assert title.installments.get().due_date == date(2026, 12, 8)


# On paper


def test_the_paper_shows_the_title_and_never_its_notes(suporte, title):
    html = suporte.get(page(title, "print")).content.decode()
    assert title.document_number in html
    assert "1.000,00" in html
    assert "Hélio" not in html


def test_the_paper_tells_what_was_received_and_no_reason(gerencia, title):
    gerencia.post(page(title, "settle"), settlement(title, "1.000,00", notes="Troco dado ao motorista"))
    html = gerencia.get(page(title, "print")).content.decode()
    assert Title.objects.get().status == TitleStatus.SETTLED
    assert "000001" in html or "Recebimentos" in html
    assert "motorista" not in html


def test_the_paper_of_another_branch_is_404(foreigner, title):
    assert foreigner.get(page(title, "print")).status_code == 404


def test_the_paper_carries_no_script_or_style_of_its_own(gerencia, title):
    html = gerencia.get(page(title, "print")).content.decode()
    assert " style=" not in html
    assert "<style" not in html
    assert "<script>" not in html


def test_the_list_of_titles_has_no_print_button(financeiro, title):
    assert "link-print" not in financeiro.get(desk(Title, "changelist")).content.decode()
