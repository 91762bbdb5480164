"""The smallest server that speaks the protocol, to test the simulated till: all in memory, decided at once."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TODAY = datetime.now(timezone(timedelta(hours=-3))).date()
TERMS = {
    "id": "terms-1",
    "interest_percent": "1.00",
    "interest_per": "month30",
    "fine_percent": "2.00",
    "max_discount_percent": "5.00",
    "allow_partial": True,
}
METHODS = [
    {"code": "cash", "name": "Dinheiro", "offline": True, "gives_change": True, "needs_reference": False},
    {"code": "card", "name": "Cartão", "offline": True, "gives_change": False, "needs_reference": True},
    {"code": "pix", "name": "Pix", "offline": False, "gives_change": False, "needs_reference": False},
]


def installment_row(number: int, **changes) -> dict:
    """Return one installment of a snapshot; three of them belong to each customer, every second one is late."""
    due = TODAY + timedelta(days=10 if number % 2 else -40)
    row = {
        "id": f"i{number:04d}",
        "version": 1,
        "title_id": f"t{number}",
        "customer_id": f"c{number // 3}",
        "number": "1/1",
        "document": f"FAT-{number}",
        "due_date": due.isoformat(),
        "amount_cents": 10_000 + number,
        "balance_cents": 10_000 + number,
        "terms_id": "terms-1",
        "interest_from": due.isoformat(),
        "fine_charged": False,
        "carried_charges_cents": 0,
        "status": "pending",
    }
    return row | changes


def snapshot_page(installments: list[dict], **changes) -> dict:
    """Return a whole snapshot on one page."""
    customers = sorted({row["customer_id"] for row in installments})
    page = {
        "snapshot_id": "s1",
        "epoch": 1,
        "as_of": datetime.now(UTC).isoformat(),
        "business_date": TODAY.isoformat(),
        "horizon": (TODAY + timedelta(days=30)).isoformat(),
        "cursor": "opaque",
        "through_seq": 0,
        "applied_above": [],
        "customers": [{"id": each, "version": 1, "name": each, "document_masked": ""} for each in customers],
        "installments": installments,
        "terms": [TERMS],
        "holidays": [date(TODAY.year, 12, 25).isoformat()],
        "payment_methods": METHODS,
        "operators": [{"code": "ana", "name": "Ana", "pin_hash": ""}],
        "limits": {"max_batch_operations": 200, "max_batch_bytes": 524288, "offline": {}},
        "page_token": None,
        "expected": {
            "installments": len(installments),
            "customers": len(customers),
            "balance_cents": sum(row["balance_cents"] for row in installments),
        },
    }
    return page | changes


class FakeServer:
    """Holds what was stored, what to answer badly next, and what was asked."""

    def __init__(self, *, installments: int = 30) -> None:
        self.page = snapshot_page([installment_row(number) for number in range(installments)])
        self.stored: dict[str, dict] = {}
        self.times_told = 1
        self.asked: list[tuple[str, str, dict, dict | None]] = []
        self.fail_next: list[tuple[int, dict, bytes]] = []
        self.news: list[dict] = []
        self.reconciled: list[dict] = []
        self.decide: Callable[[dict], dict] = decide
        self.tokens = 0
        self.installs: set[str] = set()
        self.lock = threading.Lock()
        self.url = ""

    @contextmanager
    def serving(self, *, port: int = 0) -> Iterator["FakeServer"]:
        server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"fake": self}))
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def fail(self, status: int, *, headers: dict | None = None, body: bytes = b"{}") -> None:
        """Answer so to the next request that is still to come."""
        self.fail_next.append((status, headers or {}, body))

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.asked]

    def pushes(self) -> list[dict]:
        return [body for method, path, _, body in self.asked if method == "POST" and path.endswith("/operations")]

    def answer(self, method: str, target: str, headers: dict, body: dict | None) -> tuple[int, dict]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        self.asked.append((method, path, headers, body))
        name = path.removeprefix("/api/pos/v1/")
        return getattr(self, f"{method.lower()}_{name.replace('/', '_')}")(query, body)

    def get_ping(self, query: dict, body: None) -> tuple[int, dict]:
        return 200, {"server_time": datetime.now(UTC).isoformat(), "protocol": {"current": 1, "min_pull": 1}}

    def post_pair(self, query: dict, body: dict) -> tuple[int, dict]:
        self.installs.add(body["install_id"])
        if len(self.installs) > 1:
            return 409, {"code": "code_used"}
        self.tokens += 1
        identity = {"device_id": "d1", "branch": {"code": "001", "name": "Matriz"}, "till": "03", "receipt_series": ""}
        return 201, {"token": f"token-{self.tokens}", "epoch": 1, "limits": {}, **identity}

    def get_snapshot(self, query: dict, body: None) -> tuple[int, dict]:
        limit = int(query["limit"][0])
        start = int(query.get("page_token", ["0"])[0])
        rows = self.page["installments"][start : start + limit]
        page = {**self.page, "installments": rows, "page_token": None}
        if start + limit < len(self.page["installments"]):
            page["page_token"] = str(start + limit)
        if start:
            page = {"snapshot_id": page["snapshot_id"], "installments": rows, "page_token": page["page_token"]}
        sent = {row["customer_id"] for row in self.page["installments"][:start]}
        here = {row["customer_id"] for row in rows} - sent
        page["customers"] = [row for row in self.page["customers"] if row["id"] in here]
        return 200, page

    def get_changes(self, query: dict, body: None) -> tuple[int, dict]:
        told = {"installments": [], "customers": [], "terms": [], "results": [], "cursor": "opaque", "more": False}
        page = {name: self.page[name] for name in ("through_seq", "applied_above", "horizon", "limits")}
        return 200, told | page | (self.news.pop(0) if self.news else {})

    def post_reconcile(self, query: dict, body: dict) -> tuple[int, dict]:
        return 200, self.reconciled.pop(0) if self.reconciled else {"match": True}

    def post_token_rotate(self, query: dict, body: None) -> tuple[int, dict]:
        self.tokens += 1
        return 200, {"token": f"token-{self.tokens}"}

    def post_operations(self, query: dict, body: dict) -> tuple[int, dict]:
        limit = self.page["limits"].get("enforced_operations", 200)
        if len(body["operations"]) > limit:
            return 413, {"code": "batch_too_large"}
        with self.lock:
            results = [self.store(operation) for operation in body["operations"]]
        return 200, {"through_seq": 0, "applied_above": [], "missing": [], "results": results}

    def store(self, operation: dict) -> dict:
        known = self.stored.setdefault(operation["op_id"], operation)
        custody = "stored" if known is operation else "duplicate" if known == operation else "conflict"
        return self.result(operation) | {"custody": custody}

    def result(self, operation: dict) -> dict:
        return {"op_id": operation["op_id"], "seq": operation["seq"], "flags": [], **self.decide(operation)}

    def get_operations(self, query: dict, body: None) -> tuple[int, dict]:
        after, limit = int(query["after_seq"][0]), int(query["limit"][0])
        ordered = sorted(self.stored.values(), key=lambda operation: operation["seq"])
        later = [operation for operation in ordered if operation["seq"] > after]
        results = [self.result(operation) for operation in later[:limit]] * self.times_told
        return 200, {"results": results, "more": len(later) > limit}


def decide(operation: dict) -> dict:
    """Apply whatever comes: lines are allocated, the rest is credit."""
    body = operation["body"]
    said = sum(tender["amount_cents"] for tender in body.get("tenders", ()))
    parts = ("principal_cents", "interest_cents", "fine_cents")
    allocated = sum(line[part] for line in body.get("lines", ()) for part in parts)
    outcome = {"allocated_cents": allocated, "credit_cents": said - allocated, "suspense_cents": 0}
    return {"state": "applied", "reason": None, "outcome": outcome}


class Handler(BaseHTTPRequestHandler):
    fake: FakeServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if len(raw) < length:
            return
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        body = json.loads(raw) if raw else None
        status, headers, payload = self.planned() or self.usual(body)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(payload)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def planned(self) -> tuple[int, dict, bytes] | None:
        return self.fake.fail_next.pop(0) if self.fake.fail_next else None

    def usual(self, body: dict | None) -> tuple[int, dict, bytes]:
        status, answer = self.fake.answer(self.command, self.path, dict(self.headers), body)
        return (
            status,
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            gzip.compress(json.dumps(answer).encode(), 1),
        )

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            return

    def log_message(self, *args: object) -> None:
        return
