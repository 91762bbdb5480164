"""A push does not wait for Redis: gunicorn with one that answers, one whose port is closed, one that fell silent."""

import http.client
import json
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from tests.bench.figures import ms, p95, tell
from tests.journeys.running import Company, Part, free_port

PUSHES = int(os.environ.get("BENCH_PUSHES", "100"))
SIZES = (1, 50)
WARM_UP = 10


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """A company whose web servers are real, in a database of its own."""
    with Company(folder=tmp_path, server_url=settings.DATABASE_URL, redis_url="") as company:
        company.redis_url = f"redis://127.0.0.1:{free_port()}/0"
        company.manage("migrate", "--no-input")
        company.branch = json.loads(company.manage("seed_demo", "--json"))["branches"][0]["code"]
        yield company


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server to be up or silent")
def bench_pushes_with_and_without_redis(company: Company) -> None:
    up, silent = (_redis(company) for _ in range(2))
    doors = {
        "up": Door(company, till="41", redis=up[1]),
        "dead": Door(company, till="42", redis=f"redis://127.0.0.1:{free_port()}/0"),
        "silent": Door(company, till="43", redis=silent[1]),
    }
    os.kill(silent[0].pid, signal.SIGSTOP)
    for size in SIZES:
        taken: dict[str, list[float]] = {name: [] for name in doors}
        for _ in range(WARM_UP + PUSHES):
            for name, door in doors.items():
                taken[name].append(door.push(size))
        for name in ("dead", "silent"):
            for how, figure in (("median", median), ("p95", p95)):
                here, there = (figure(taken[each][WARM_UP:]) for each in (name, "up"))
                tell(f"push of {size}, Redis {name}, {how}, of Redis up", ms([here]), ms([there]), here / there, "~ 1")


def _redis(company: Company) -> tuple[Part, str]:
    port = free_port()
    return company.redis(port=port), f"redis://127.0.0.1:{port}/0"


class Door:
    """A web server with a Redis of its own, and a till that is paired there; each push is a connection of its own."""

    def __init__(self, company: Company, *, till: str, redis: str) -> None:
        self._line = http.client.HTTPConnection(urlsplit(company.web(REDIS_URL=redis)).netloc, timeout=60)
        self._headers = {"Content-Type": "application/json"}
        paired = self._ask("pair", {"code": company.pairing_code(till=till), "install_id": secrets.token_hex(16),
                                    "software": "bench", "public_key": None})  # fmt: skip
        self._headers["Authorization"] = f"Device {paired['token']}"
        self._seq = 0

    def push(self, size: int) -> float:
        """Deliver so many operations and give the seconds until they are said to be stored."""
        operations = [self._operation() for _ in range(size)]
        began = perf_counter()
        answer = self._ask("operations", {"operations": operations})
        taken = perf_counter() - began
        assert {result["custody"] for result in answer["results"]} == {"stored"}
        return taken

    def _operation(self) -> dict[str, object]:
        self._seq += 1
        body = {"amount_cents": 1_000, "reason": "Suprimento"}
        return {"op_id": secrets.token_hex(16), "seq": self._seq, "kind": "cash_in", "v": 1,
                "occurred_at": datetime.now(UTC).isoformat(), "body": body}  # fmt: skip

    def _ask(self, address: str, document: dict[str, object]) -> dict[str, list[dict[str, str]]]:
        self._line.request("POST", f"/api/pos/v1/{address}", json.dumps(document).encode(), self._headers)
        response = self._line.getresponse()
        content = response.read()
        self._line.close()  # while the others push, the server would end it unseen
        assert response.status in (200, 201), (response.status, content)
        answer: dict[str, list[dict[str, str]]] = json.loads(content)
        return answer
