"""What the server may say to a till, and a till that lost sight of it: its queue outlives everything."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Request, Route, expect

from pos_sync.models import Device, DeviceEpoch, DeviceToken, Epoch, Operation, TillOperator
from receivables.models import SYSTEM, Branch, Installment, Receipt
from receivables.services.settlement import settle_title
from tests.e2e.till.conftest import bodies, change, owed
from tests.e2e.till.counter import OPERATOR, PIN, PROBLEM, SUPERVISOR, SUPERVISOR_PIN, Counter
from tests.make import CASHIER, deposit
from tests.pos_sync.door import ask_to_pair, pairing_code

pytestmark = pytest.mark.browser

SNAPSHOT = "**/api/pos/v1/snapshot*"
CHANGES = "**/api/pos/v1/changes*"
OPERATIONS = "**/api/pos/v1/operations"
BUSY = json.dumps({"code": "rate_limited"})


def receive_offline(counter: Counter, name: str = "maria") -> str:
    """Receive without a connection, and stay on the screen between receipts."""
    counter.press("F10", "Enter")
    number = counter.receive_in_cash(name)
    counter.press("Escape")
    return number


def sign_out(counter: Counter) -> None:
    counter.press("F12", "F3")
    counter.on("Entrar no caixa")


# The device


def test_an_unknown_till_asks_to_be_paired_and_what_it_holds_arrives_once_it_is(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    with counter.unplugged():
        receive_offline(counter)
        DeviceToken.objects.filter(device__branch=branch).delete()
        sign_out(counter)
    counter.reads("O servidor não reconhece este caixa")
    expect(counter.bar).to_contain_text("1 pendência · R$ 150,00")
    counter.press("F2")
    counter.on("Ligar este caixa")
    counter.reads("Este aparelho já é o caixa 03")
    counter.type(pairing_code(branch))
    counter.on("Entrar no caixa")
    counter.delivers()
    assert Receipt.objects.filter(branch=branch).count() == 1
    debt.refresh_from_db()
    assert debt.status == "settled"
    assert Device.objects.filter(branch=branch).count() == 2


def test_a_problem_that_no_words_are_for_is_told_with_its_code(counter: Counter) -> None:
    with counter.answered(CHANGES, status=400, body=json.dumps({"code": "bad_field"})):
        words = "O servidor respondeu com um problema (bad_field). O que está aqui continua guardado"
        expect(counter.page.locator("main")).to_contain_text(words, timeout=30_000)
        expect(counter.bar).to_contain_text("Conectado, com problema")
    expect(counter.page.locator("main")).not_to_contain_text("problema", timeout=30_000)


def test_a_revoked_till_wipes_its_copy_and_still_delivers_what_it_holds(counter: Counter, branch: Branch) -> None:
    with counter.unplugged():
        receive_offline(counter)
        change(branch, "revoked")
    counter.delivers()
    counter.reads("os dados baixados foram apagados")
    counter.press("F10")
    counter.reads("Este caixa não tem dados baixados")
    counter.press("Enter", "F12", "F9")
    counter.reads("Em conferência no escritório")
    counter.reads("o caixa estava bloqueado")


def test_a_replaced_device_delivers_with_its_old_token_and_its_receipts_weigh_meanwhile(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    with counter.unplugged():
        receive_offline(counter)
        sign_out(counter)
        counter.go(f"#pair={pairing_code(branch)}")
        counter.reads("Este aparelho já é o caixa 03")
        assert "#" not in counter.page.url
        # The former device's queue is kept away from the server, which does not keep the new one from its data.
        counter.context.route(OPERATIONS, lambda route: route.fulfill(status=429, content_type=PROBLEM, body=BUSY))
    counter.press("Enter")
    counter.is_synchronised()
    counter.sign_in(OPERATOR, PIN)
    counter.open_drawer("0,00")
    counter.press("F10")
    counter.choose("maria")
    counter.reads("Este cliente não tem parcela em aberto na base local")
    counter.context.unroute(OPERATIONS)
    counter.delivers()
    first = Device.objects.filter(branch=branch).earliest("paired_at")
    assert Operation.objects.get(device=first, kind="receipt").state == "applied"
    counter.press("Escape", "F12", "F8")
    counter.reads("Lançado")


def test_a_till_is_paired_by_the_address_of_a_qr_which_keeps_no_code(
    counters: Callable[..., Counter], branch: Branch, operator: TillOperator
) -> None:
    counter = counters()
    code = pairing_code(branch)
    counter.go(f"#pair={code}")
    expect(counter.page.get_by_label("Código para ligar o caixa")).to_have_value(code)
    assert code not in counter.page.url
    counter.press("Enter")
    counter.is_synchronised()
    counter.sign_in(OPERATOR, PIN)


def test_the_till_changes_its_token_by_itself_and_survives_a_lost_answer(counter: Counter, branch: Branch) -> None:
    before = DeviceToken.objects.get(device__branch=branch).prefix
    sign_out(counter)
    counter.context.route("**/api/pos/v1/operations?*", lambda route: route.abort())
    counter.amend("device", {"rotated_at": 0})
    counter.press("F3", "Enter")
    counter.reads("O servidor não respondeu")
    assert DeviceToken.objects.filter(device__branch=branch).count() == 2
    counter.context.unroute("**/api/pos/v1/operations?*")
    counter.press("Enter", "F3", "Enter")
    counter.reads("Recebimentos atualizados")
    token = DeviceToken.objects.get(device__branch=branch, ended_at=None)
    assert token.prefix != before
    assert DeviceToken.objects.exclude(ended_at=None).get(device__branch=branch).prefix == before
    counter.press("Enter", "F3", "Enter")
    counter.reads("Recebimentos atualizados")
    assert DeviceToken.objects.get(device__branch=branch, ended_at=None) == token
    assert DeviceToken.objects.filter(device__branch=branch).count() == 2


# The copy


def in_pages_of_one(route: Route) -> None:
    route.continue_(url=route.request.url.replace("limit=1000", "limit=1"))


def test_half_a_download_never_replaces_a_whole_one(killed_counter: Counter, debt: Installment, branch: Branch) -> None:
    counter = killed_counter
    owed(branch, name=f"Zuleica {branch.code}")

    def stop_after_the_first(route: Route) -> None:
        if "page_token=&" in route.request.url:
            in_pages_of_one(route)
        elif counter.page.get_by_text("Sincronizando. Aguarde.").count() and not stopped:
            stopped.append(route)
        else:
            route.abort()

    stopped: list[Route] = []
    sign_out(counter)
    counter.context.route(SNAPSHOT, stop_after_the_first)
    counter.press("F3", "Enter")
    counter.reads("1 de 2 parcelas")
    counter.kill()
    counter.open()
    with counter.unplugged():
        counter.sign_in(OPERATOR, PIN)
        counter.press("F10", "Enter")
        counter.choose("maria")
        counter.reads("150,00")
    counter.delivers()


def test_two_windows_deliver_once_and_download_once_and_both_see_how_far_it_is(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    for name in ("Zuleica", "Zilda"):
        owed(branch, name=f"{name} {branch.code}")
    windows = [counter.page, counter.context.new_page()]
    windows[1].goto(windows[0].url)
    held: list[Route] = []
    sent: list[str] = []

    def hold_the_second(route: Route) -> None:
        if "page_token=&" in route.request.url:
            in_pages_of_one(route)
        elif held:
            route.continue_()
        else:
            held.append(route)

    def count(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/operations"):
            sent.extend(each["op_id"] for each in request.post_data_json["operations"])

    counter.context.on("request", count)
    with counter.held(OPERATIONS):
        with counter.unplugged():
            receive_offline(counter)
            sign_out(counter)
            counter.context.route(SNAPSHOT, hold_the_second)
        expect(counter.bar).to_contain_text("Conectado", timeout=30_000)
        for window in windows:
            window.bring_to_front()
            window.keyboard.press("F3")
            window.keyboard.press("Enter")
            expect(window.locator("main")).to_contain_text("Perguntando ao servidor")
    counter.requests.clear()
    for window in windows:
        expect(window.locator("main")).to_contain_text("1 de 2 parcelas")
        expect(window.locator("footer.bar")).to_contain_text("Sincronizando 50 %")
    held[0].continue_()
    for window in windows:
        expect(window.locator("main")).to_contain_text("Recebimentos atualizados")
        expect(window.locator("footer.bar")).to_contain_text("Dados de")
    assert len(sent) == len(set(sent)) == 1
    assert len([address for address in counter.requests if "page_token=&" in address]) == 1
    assert Receipt.objects.filter(branch=branch).count() == 1


@pytest.mark.parametrize(
    ("status", "problem"),
    [(410, {"code": "snapshot_expired"}), (503, {"code": "server_error"})],
    ids=["the snapshot expired", "the server fell"],
)
def test_a_download_that_breaks_off_leaves_the_data_as_they_were(
    counter: Counter, debt: Installment, branch: Branch, status: int, problem: dict[str, str]
) -> None:
    owed(branch, name=f"Zuleica {branch.code}")
    sign_out(counter)

    def fail_the_second(route: Route) -> None:
        if "page_token=&" in route.request.url:
            in_pages_of_one(route)
        else:
            route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(problem))

    counter.context.route(SNAPSHOT, fail_the_second)
    counter.press("F3", "Enter")
    counter.reads("Os dados de antes continuam valendo")
    counter.context.unroute(SNAPSHOT)
    counter.press("Enter", "F3", "Enter")
    counter.reads("Recebimentos atualizados")
    counter.reads("2 parcelas de 2 clientes.")


def test_what_became_of_a_receipt_is_told_also_where_a_whole_copy_comes_first(
    counter: Counter, debt: Installment
) -> None:
    def answer_as_a_slow_worker(route: Route) -> None:
        answer = route.fetch()
        said = answer.json()
        for each in said["results"]:
            each |= {"state": "pending", "reason": None, "outcome": None}
        route.fulfill(response=answer, json=said)

    today = timezone.localdate()
    with counter.unplugged():
        receive_offline(counter)
        settle_title(
            title_id=debt.title_id, received=Decimal(150), received_on=today, deposit=deposit(on=today), by=CASHIER,
            now=timezone.now(), on=today,
        )  # fmt: skip
        counter.amend("download", {"business_date": "2026-01-01"})
        counter.context.route(OPERATIONS, answer_as_a_slow_worker)
    counter.delivers()
    counter.press("F12", "F9")
    counter.reads("a parcela já estava paga: o valor virou crédito do cliente")


def test_a_restored_server_is_told_again_what_the_till_still_knows(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    counter.press("F10")
    counter.receive_in_cash("maria")
    counter.delivers()
    call_command("new_epoch", reason="Backup de ontem", stdout=StringIO())
    device = Device.objects.get(branch=branch)
    with counter.page.expect_request(OPERATIONS, timeout=60_000) as sent:
        pass
    envelope = sent.value.post_data_json
    assert [each["seq"] for each in envelope["operations"]] == [1, 2]
    epoch = Epoch.objects.latest("number").number
    assert (envelope["epoch"], envelope["first_seq"]) == (epoch, 1)
    counter.delivers()
    assert Receipt.objects.filter(branch=branch).count() == 1
    assert DeviceEpoch.objects.filter(device=device, epoch=epoch).exists()


def test_a_server_restored_to_before_the_tills_epoch_begins_a_later_one_and_takes_what_waits(
    counter: Counter, branch: Branch
) -> None:
    call_command("new_epoch", reason="Ensaio", stdout=StringIO())
    lost = Epoch.objects.latest("number").number
    with counter.page.expect_response(OPERATIONS, timeout=60_000):
        pass
    counter.delivers()
    with counter.unplugged():
        receive_offline(counter)
        # As a backup of before has it.
        Epoch.objects.filter(number=lost).delete()
        device = Device.objects.get(branch=branch)
        device.epoch = lost - 1
        device.save_as(SYSTEM)
    counter.delivers()
    assert Receipt.objects.filter(branch=branch).count() == 1
    assert Epoch.objects.latest("number").number > lost


def test_a_till_that_was_replaced_on_its_own_machine_learns_of_a_restore_and_delivers_again(
    counter: Counter, debt: Installment, branch: Branch
) -> None:
    counter.press("F10")
    counter.receive_in_cash("maria")
    counter.delivers()
    device = Device.objects.get(branch=branch)
    ask_to_pair(pairing_code(branch), install_id="another machine")
    call_command("new_epoch", reason="Backup de ontem", stdout=StringIO())
    with counter.page.expect_request(OPERATIONS, timeout=60_000) as sent:
        pass
    envelope = sent.value.post_data_json
    epoch = Epoch.objects.latest("number").number
    assert ([each["seq"] for each in envelope["operations"]], envelope["epoch"]) == ([1, 2], epoch)
    counter.delivers()
    assert DeviceEpoch.objects.filter(device=device, epoch=epoch).exists()
    assert Receipt.objects.filter(branch=branch).count() == 1


# The file


def test_the_file_of_a_till_that_is_unpaired_is_read_in_and_its_return_brings_duplicates(
    ready: Callable[..., Counter], debt: Installment, branch: Branch, supervisor: TillOperator, tmp_path: Path
) -> None:
    counter = ready()
    file = tmp_path / "caixa.json"
    with counter.unplugged():
        receive_offline(counter)
        counter.press("F12", "F9")
        counter.page.get_by_role("button", name="Desligar este caixa").click()
        counter.type(SUPERVISOR)
        with counter.page.expect_download() as download:
            counter.type(SUPERVISOR_PIN)
        download.value.save_as(file)
        counter.reads("Desligar este caixa?")
        counter.press("Enter")
        counter.on("Ligar este caixa")
        expect(counter.bar).to_contain_text("1 pendência · R$ 150,00")
        call_command("import_operations", str(file), stdout=StringIO())
        debt.refresh_from_db()
        assert debt.status == "settled"
    expect(counter.bar).not_to_contain_text("pendência", timeout=60_000)
    assert Receipt.objects.filter(branch=branch).count() == 1
    assert [each["kind"] for each in json.loads(file.read_text())["operations"]] == ["session_open", "receipt"]


# The clock


def test_a_till_whose_clock_is_wrong_works_by_the_servers(counter: Counter, branch: Branch) -> None:
    counter.page.clock.set_system_time(timezone.now() + timedelta(days=1, hours=2))
    counter.reads("O relógio deste aparelho está 26 horas adiantado.")
    expect(counter.page.locator("main")).not_to_contain_text("desde outro dia")
    counter.press("F10")
    counter.receive_in_cash("maria")
    counter.delivers()
    operation = Operation.objects.get(device__branch=branch, kind="receipt")
    assert operation.flags == []
    assert Receipt.objects.get(branch=branch).received_on == timezone.localdate()


def test_midnight_in_the_middle_of_a_receipt_asks_to_look_at_the_charges_again(
    ready: Callable[..., Counter], branch: Branch, policy: Callable[..., None]
) -> None:
    policy(warn_age_hours=72)
    owed(branch, name=f"Maria Atrasada {branch.code}", amount="1500.00", days=-20)
    counter = ready()
    with counter.unplugged():
        counter.press("F10", "Enter")
        counter.choose("maria")
        counter.press(" ", "F3")
        counter.on("Meio de pagamento")
        total = counter.page.locator(".total.huge").inner_text()
        counter.page.clock.set_system_time(timezone.now() + timedelta(days=1))
        counter.press("Enter", "Enter", "Enter")
        counter.reads("virou o dia")
        counter.press("Enter")
        counter.on("Recebimento")
        counter.press("F3")
        counter.on("Meio de pagamento")
        assert counter.page.locator(".total.huge").inner_text() != total
        counter.press("Enter", "Enter", "Enter")
        counter.on("Parcela recebida")
    counter.delivers()
    assert len(bodies(branch, "receipt")) == 1
