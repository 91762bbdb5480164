"""A manager pairs a till by the page of its code, sees what it sent and what is missing, and has it synchronised."""

import re

import pytest
from playwright.sync_api import expect

from pos_sync.models import Device, SyncRun
from tests.e2e.desk import said, today
from tests.make import make_title
from tests.pos_sync.door import Till, ask_to_pair, body_of

pytestmark = [pytest.mark.services, pytest.mark.browser]


def receipt(number, seq, parcel, *, at):
    cents = int(parcel.amount * 100)
    line = {"installment_id": str(parcel.pk), "version": parcel.version, "principal_cents": cents}
    body = {"session_id": "s1", "operator": "01", "mode": "offline", "receipt_no": number, "lines": [line],
            "tenders": [{"method": "cash", "amount_cents": cents}]}  # fmt: skip
    return {"op_id": f"journey-{seq}", "seq": seq, "kind": "receipt", "v": 1, "occurred_at": at, "body": body}


class PairedTill(Till):
    """A till that was paired with the code that a person read from the page."""

    def __init__(self, branch, code):
        self.branch = branch
        self.paired = body_of(ask_to_pair(code))
        self.token, self.device_id = self.paired["token"], self.paired["device_id"]


def test_a_till_is_paired_by_its_page_and_watched_on_the_monitor(gerencia, branch):
    page = gerencia.page
    page.goto(f"{gerencia.server}/admin/pos_sync/monitor/")
    page.get_by_role("link", name=re.compile(said("Pair a till"))).first.click()
    page.locator("#id_branch").select_option(label=str(branch))
    page.locator("#id_till").fill("03")
    page.locator(".submit-row [type=submit]").click()

    code = page.locator("#code").inner_text()
    assert re.fullmatch(r"([0-9A-Z]{4}-){3}[0-9A-Z]{4}", code)
    expect(page.locator(".qr svg path").first).to_be_visible()
    expect(page.locator("#life")).to_have_text(re.compile(r"\d:\d\d"))
    till = PairedTill(branch, code)

    parcels = [make_title(branch=branch, amounts=("80.00",), due_dates=(today(),)).installments.get() for _ in "ab"]
    now = body_of(till.get("operations"))["server_time"]
    till.push({"op_id": "journey-1", "seq": 1, "kind": "session_open", "v": 1, "occurred_at": now,
               "body": {"session_id": "s1", "operator": "01", "float_cents": 10_000}},
              receipt("03-000001", 2, parcels[0], at=now), receipt("03-000004", 4, parcels[1], at=now),
              pending={"count": 2, "sum_cents": 15_000})  # fmt: skip

    page.goto(f"{gerencia.server}/admin/pos_sync/monitor/")
    line = page.locator("table.tills tbody tr", has=page.get_by_role("link", name="03", exact=True)).first
    expect(line).to_contain_text("03-000002–003")
    expect(line).to_contain_text("2 · R$ 150,00")
    page.get_by_role("button", name=said("Synchronise now")).click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert SyncRun.objects.filter(branch=branch, why="person", result="built").exists()

    line.locator("a.trouble").click()  # the missing numbers lead to the device's page
    device = Device.objects.get(pk=int(till.device_id))
    expect(page.locator("h1")).to_have_text(str(device))
    expect(page.locator("#part-2")).to_contain_text("03-000002–003")
    expect(page.locator("#content")).to_contain_text(till.token[:8])
    assert till.token not in page.content()


def test_a_phone_reads_the_monitor(gerencia, branch):
    Till(branch=branch)
    page = gerencia.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{gerencia.server}/admin/pos_sync/monitor/")
    expect(page.locator("table.tills").first).to_be_visible()
    widest = page.locator("html").evaluate("page => page.scrollWidth")
    assert widest <= 390
