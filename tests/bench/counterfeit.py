"""A server for the till alone: its real pages and files, and an API that knows one branch with a large window."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from playwright.sync_api import Route

FIRST = (
    "Ana Bruno Carla Davi Elisa Fábio Gilda Heitor Iara João Karina Luís Marta Nilo Olga Paulo Rita Sérgio Tânia Vera"
)
LAST = (
    "Almeida Barros Cardoso Dias Esteves Farias Gomes Hoffmann Lima Machado Nunes Oliveira Pereira Queiroz Ramos Silva"
)
PAGE = 1000
A_CUSTOMER = 3  # installments
PIN = "1"
LIMITS = {
    "max_batch_operations": 200, "max_batch_bytes": 524_288, "max_operation_bytes": 65_536, "max_page": PAGE,
    "offline": {"max_receipt_cents": 10**9, "max_pending_cents": 10**10, "warn_age_hours": 24, "stop_age_hours": 168},
}  # fmt: skip
TERMS = {
    "id": "1", "interest_percent": "1.00", "interest_per": "month30", "fine_percent": "2.00",
    "max_discount_percent": "5.00", "allow_partial": True,
}  # fmt: skip
OPERATOR = {
    "code": "1", "name": "Ana", "supervisor": False,
    "pin_hash": "pbkdf2_sha256$10$sal$X+nLrHBlrGomXv0wB8cSVEUAB1opRPOEqBjCuHQtXdk=",
}  # fmt: skip
DEVICE = {
    "device_id": "1", "token": "t", "branch": {"code": "001", "name": "Matriz"}, "till": "01", "receipt_series": "",
    "epoch": 1, "limits": LIMITS,
}  # fmt: skip
NOTHING_NEW = {
    "installments": [], "customers": [], "results": [], "cursor": "c", "more": False, "through_seq": 0,
    "applied_above": [],
}  # fmt: skip


class Quiet(WSGIRequestHandler):
    """Says nothing of each file."""

    def log_message(self, *_said: Any) -> None:
        """Keep silent."""


@contextmanager
def pages() -> Iterator[str]:
    """Serve the till's page and files; give the address."""
    with make_server("127.0.0.1", 0, StaticFilesHandler(WSGIHandler()), handler_class=Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Window:
    """What a branch's till carries: the same customers and installments at each run."""

    def __init__(self, *, installments: int, today: date) -> None:
        drawn = random.Random(20261121)
        self.today = str(today)
        self.customers = [_customer(drawn, number) for number in range(installments // A_CUSTOMER + 1)]
        self.installments = [
            _installment(number, due_date=today + timedelta(days=drawn.randrange(-200, 30)))
            for number in range(installments)
        ]

    def answer(self, route: Route) -> None:
        """Answer what the till asks."""
        asked = route.request.url.split("/api/pos/v1/")[1]
        said: dict[str, Any] = {"match": True, "protocol": {"current": 1, "min_pull": 1}}
        if asked.startswith("snapshot"):
            said = self._page(int(asked.split("page_token=")[1].split("&")[0] or 0))
        elif asked.startswith("pair"):
            said = DEVICE
        elif asked.startswith("changes"):
            said = NOTHING_NEW | {"horizon": self.today}
        body = json.dumps({"server_time": f"{self.today}T15:00:00Z"} | said)
        route.fulfill(status=200, content_type="application/json", body=body)

    def _page(self, start: int) -> dict[str, Any]:
        following = start + PAGE
        page = {
            "installments": self.installments[start:following],
            "customers": self.customers[start // A_CUSTOMER : following // A_CUSTOMER],
            "page_token": str(following) if following < len(self.installments) else None,
        }
        if page["page_token"] is None:
            page["customers"] = self.customers[start // A_CUSTOMER :]
        return page if start else page | self._frozen()

    def _frozen(self) -> dict[str, Any]:
        return {
            "snapshot_id": "s", "epoch": 1, "as_of": f"{self.today}T15:00:00Z", "business_date": self.today,
            "horizon": self.today, "cursor": "c", "through_seq": 0, "applied_above": [], "terms": [TERMS],
            "holidays": [], "payment_methods": [], "operators": [OPERATOR], "limits": LIMITS,
            "expected": {
                "installments": len(self.installments), "customers": len(self.customers),
                "balance_cents": sum(row["balance_cents"] for row in self.installments),
            },
        }  # fmt: skip


def _customer(drawn: random.Random, number: int) -> dict[str, Any]:
    names = (drawn.choice(FIRST.split()), drawn.choice(LAST.split()), drawn.choice(LAST.split()), f"{number % 97:02d}")
    return {"id": str(number), "version": 1, "name": " ".join(names), "document_masked": f"***.{number:06d}-**"}


def _installment(number: int, *, due_date: date) -> dict[str, Any]:
    owner, place = divmod(number, A_CUSTOMER)
    return {
        "id": str(number), "version": 1, "title_id": str(owner), "customer_id": str(owner), "terms_id": "1",
        "number": f"{place + 1}/{A_CUSTOMER}", "document": f"FAT-{owner:06d}", "due_date": str(due_date),
        "amount_cents": 15_000, "balance_cents": 15_000, "interest_from": str(due_date), "fine_charged": False,
        "carried_charges_cents": 0, "status": "pending",
    }  # fmt: skip
