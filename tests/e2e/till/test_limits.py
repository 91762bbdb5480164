"""What a till may do without the server: ceilings, age of the data, means; always asked before money is taken."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from pos_sync.models import TillOperator
from receivables.models import Branch, Installment
from tests.e2e.till.conftest import bodies, change, owed
from tests.e2e.till.counter import SUPERVISOR, SUPERVISOR_PIN, Counter

pytestmark = pytest.mark.browser

Policy = Callable[..., None]
Ready = Callable[..., Counter]


def start_receiving(counter: Counter) -> None:
    """Come to the point where the means of payment would be asked for."""
    counter.press("F10")
    counter.on("Sem conexão com o servidor")
    counter.press("Enter")
    counter.choose("maria")
    counter.press(" ", "F3")


def take_cash(counter: Counter) -> None:
    counter.on("Meio de pagamento")
    counter.press("Enter", "Enter", "Enter")
    counter.on("Parcela recebida")


def test_a_receipt_above_the_ceiling_wants_a_supervisor_whose_name_travels_with_it(
    ready: Ready, debt: Installment, branch: Branch, supervisor: TillOperator, policy: Policy
) -> None:
    policy(max_receipt_cents=14_999)
    counter = ready()
    with counter.unplugged():
        start_receiving(counter)
        counter.on("Precisa do supervisor")
        counter.reads("O recebimento passa de R$ 149,99")
        counter.type(SUPERVISOR)
        counter.type("0000")
        counter.reads("Senha errada")
        counter.type(SUPERVISOR_PIN)
        take_cash(counter)
    counter.delivers()
    [body] = bodies(branch, "receipt")
    assert body["released"] == {"supervisor": SUPERVISOR, "limits": ["receipt_above"]}


def test_what_is_pending_warns_near_its_ceiling_and_wants_a_supervisor_above_it(
    ready: Ready, debt: Installment, branch: Branch, supervisor: TillOperator, policy: Policy
) -> None:
    owed(branch, name=f"Maria Bonita {branch.code}", amount="50.00")
    policy(max_pending_cents=18_000)
    counter = ready()
    with counter.unplugged():
        start_receiving(counter)
        counter.on("Confira antes de receber")
        counter.reads("chega perto de R$ 180,00")
        counter.press("Enter")
        take_cash(counter)
        counter.press("F10", "Enter")
        counter.choose("maria bonita")
        counter.press(" ", "F3")
        counter.on("Precisa do supervisor")
        counter.reads("passaria de R$ 180,00")
        counter.press("Escape")
        counter.on("Recebimento")
    counter.delivers()
    assert len(bodies(branch, "receipt")) == 1


def test_old_data_warn_and_too_old_data_stop(ready: Ready, debt: Installment, branch: Branch, policy: Policy) -> None:
    policy(warn_age_hours=2, stop_age_hours=30)
    counter = ready()
    with counter.unplugged():
        counter.page.clock.set_system_time(timezone.now() + timedelta(hours=3))
        start_receiving(counter)
        counter.on("Confira antes de receber")
        counter.reads("Os dados têm mais de 2 horas.")
        counter.press("Enter")
        counter.on("Meio de pagamento")
        counter.press("Escape")
        counter.page.clock.set_system_time(timezone.now() + timedelta(hours=31))
        counter.press("F3")
        counter.on("Não receba neste caixa")
        counter.press("Enter")
        counter.on("Recebimento")
    counter.delivers()
    assert bodies(branch, "receipt") == []


def test_a_limit_is_asked_when_the_connection_goes_while_the_means_are_entered(
    ready: Ready, debt: Installment, supervisor: TillOperator, policy: Policy
) -> None:
    policy(max_receipt_cents=100)
    counter = ready()
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F3")
    counter.on("Meio de pagamento")
    with counter.unplugged():
        counter.on("Precisa do supervisor")
        counter.press("Escape")


def test_a_card_is_taken_offline_only_where_the_policy_says_so(counter: Counter) -> None:
    with counter.unplugged():
        start_receiving(counter)
        counter.on("Meio de pagamento")
        counter.choose_method("Card")
        counter.press("Enter")
        counter.reads("Este meio só vale com conexão. Escolha outro.")
        counter.page.get_by_role("button", name="Lançar meio de pagamento").click()
        counter.on("Meio de pagamento")
        counter.press("Escape")


def test_a_suspended_till_wants_a_supervisor_even_with_a_connection(
    ready: Ready, debt: Installment, branch: Branch, supervisor: TillOperator
) -> None:
    counter = ready()
    change(branch, "suspended")
    expect(counter.bar).to_contain_text("Conectado, com problema", timeout=30_000)
    counter.reads("Este caixa está suspenso")
    counter.press("F10")
    counter.choose("maria")
    counter.press(" ", "F3")
    counter.on("Precisa do supervisor")
    counter.reads("fica retido até o gerente liberar")
    counter.press("Escape")
