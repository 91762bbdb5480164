"""HTTP as a till lives it: patient retries, bounded waits, and a line that loses, cuts and repeats (H3, H4)."""

import gzip
import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from urllib.parse import urlencode, urlsplit

from pos_sync.simulator.errors import CallRefused, ServerSilent
from pos_sync.simulator.journal import Json, compact

API = "/api/pos/v1"
GZIP_FROM_BYTES = 1024
FIRST_WAIT, LONGEST_WAIT, LONGEST_OBEDIENCE = 0.2, 5.0, 60.0
RETRIED_STATUSES = frozenset({408, 425, 429})
LOST, DROPPED, CUT, TWICE = "answer_lost", "answer_dropped", "request_cut", "sent_twice"


class LineDown(Exception):
    """No answer came; whether the server got the request nobody knows."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_push(self) -> bool:
        return self.method == "POST" and self.target.endswith("/operations")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def json(self) -> Json:
        """Return the body as an object; raises LineDown when it is torn or is something else."""
        try:
            raw = gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" else self.body
            value = json.loads(raw)
        except (ValueError, OSError, EOFError) as problem:
            raise LineDown(f"the answer {self.status} is not readable: {problem}") from problem
        if not isinstance(value, dict):
            raise LineDown(f"the answer {self.status} is no JSON object")
        return value


class Line:
    """Carries one request at a time over a connection of its own."""

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}", scheme="http")
        self._class = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._address = parts.hostname or "127.0.0.1", parts.port
        self._timeout = timeout
        self.base = parts.path.rstrip("/").removesuffix(API) + API

    def exchange(self, request: Request) -> Answer:
        """Send and return the answer; raises LineDown when none came."""
        connection = self._class(*self._address, timeout=self._timeout)
        try:
            return self._carry(connection, request)
        except (OSError, http.client.HTTPException) as problem:
            raise LineDown(f"{type(problem).__name__}: {problem}") from problem
        finally:
            connection.close()

    def _carry(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        connection.request(request.method, request.target, request.body or None, dict(request.headers))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())


class FaultyLine(Line):
    """Hurts calls by lot: loses answers, drops them, cuts requests in half, sends pushes twice.

    The first push always loses its answer; never more than two calls in a row are hurt.
    """

    def __init__(self, url: str, *, rng: Random, chance: float = 0.25, timeout: float = 30.0) -> None:
        super().__init__(url, timeout=timeout)
        self.injected: Counter[str] = Counter()
        self._rng, self._chance = rng, chance
        self._in_a_row = 0
        self._has_pushed = False

    def _carry(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        fault = self._draw(request)
        self._in_a_row = self._in_a_row + 1 if fault else 0
        if not fault:
            return super()._carry(connection, request)
        self.injected[fault] += 1
        if fault == CUT:
            self._send_half(connection, request)
        elif fault == LOST:
            connection.request(request.method, request.target, request.body or None, dict(request.headers))
        else:
            super()._carry(connection, request)
            connection.close()
        if fault == TWICE:
            return super()._carry(connection, request)
        raise LineDown(fault)

    def _draw(self, request: Request) -> str | None:
        if request.is_push and not self._has_pushed:
            self._has_pushed = True
            return DROPPED
        if self._in_a_row >= 2 or self._rng.random() >= self._chance:
            return None
        return self._rng.choice((LOST, DROPPED, CUT, TWICE)) if request.is_push else DROPPED

    def _send_half(self, connection: http.client.HTTPConnection, request: Request) -> None:
        connection.putrequest(request.method, request.target)
        for name, value in {**request.headers, "Content-Length": str(len(request.body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(request.body[: len(request.body) // 2])


class TillClient:
    """Speaks the protocol: asks again while the server is silent or busy, obeys Retry-After, and gives up by name."""

    def __init__(
        self,
        line: Line,
        *,
        token: str | None = None,
        patience: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
    ) -> None:
        self.token = token
        self.retries: Counter[str] = Counter()
        self._line, self._patience = line, patience
        self._sleep, self._monotonic, self._rng = sleep, monotonic, rng or Random()

    def ping(self) -> Json:
        return self._call("GET", "/ping")

    def pair(self, *, code: str, install_id: str, software: str = "simulate_till 1.0") -> Json:
        """Exchange a pairing code for a token; the same code and installation may ask again (POST /pair)."""
        body = {"code": code, "install_id": install_id, "software": software, "public_key": None}
        return self._call("POST", "/pair", body=body)

    def snapshot_page(self, *, page_token: str | None, limit: int) -> Json:
        return self._call("GET", "/snapshot", query={"page_token": page_token, "limit": limit})

    def changes(self, *, cursor: str, limit: int) -> Json:
        return self._call("GET", "/changes", query={"cursor": cursor, "limit": limit})

    def reconcile(self, figures: Json) -> Json:
        return self._call("POST", "/reconcile", body=figures)

    def rotate(self) -> Json:
        """Ask for a new token; the one in use works until the new one is first used."""
        return self._call("POST", "/token/rotate")

    def push(self, envelope: Json) -> Json:
        return self._call("POST", "/operations", body=envelope)

    def operations(self, *, after_seq: int, epoch: int | None = None, limit: int = 500) -> Json:
        return self._call("GET", "/operations", query={"after_seq": after_seq, "epoch": epoch, "limit": limit})

    def _call(self, method: str, path: str, *, query: Json | None = None, body: Json | None = None) -> Json:
        request = self._request(method, path, query or {}, body)
        give_up_at = self._monotonic() + self._patience
        attempt = 0
        while True:
            try:
                answer = self._line.exchange(request)
                if answer.status < 300:
                    return answer.json()
                cause, wait = self._busy(answer, call=f"{method} {path}")
            except LineDown as problem:
                cause, wait = f"line: {problem}", 0.0
            self.retries[cause.split(":")[0]] += 1
            wait = max(wait, self._backoff(attempt))
            if self._monotonic() + wait > give_up_at:
                raise ServerSilent(f"{method} {path}: no usable answer after {attempt + 1} attempts, last {cause}")
            self._sleep(wait)
            attempt += 1

    def _request(self, method: str, path: str, query: Json, body: Json | None) -> Request:
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "Connection": "close"}
        if self.token:
            headers["Authorization"] = f"Device {self.token}"
        payload = b"" if body is None else compact(body)
        if payload:
            headers["Content-Type"] = "application/json"
        if len(payload) >= GZIP_FROM_BYTES:
            payload = gzip.compress(payload, 1)
            headers["Content-Encoding"] = "gzip"
        return Request(method, f"{self._line.base}{path}{'?' if asked else ''}{asked}", headers, payload)

    def _busy(self, answer: Answer, *, call: str) -> tuple[str, float]:
        if answer.status >= 500 or answer.status in RETRIED_STATUSES:
            return f"http_{answer.status}", _retry_after(answer.header("Retry-After"))
        try:
            problem = answer.json()
        except LineDown:
            problem = {}
        detail = problem.get("detail") or problem.get("title") or ""
        raise CallRefused(call=call, status=answer.status, problem=str(problem.get("code", "")), detail=str(detail))

    def _backoff(self, attempt: int) -> float:
        ceiling: float = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10))
        return ceiling * self._rng.uniform(0.5, 1.0)


def _retry_after(header: str) -> float:
    """Return the seconds that Retry-After asks for, at most a minute; it may also be an HTTP date."""
    if header.strip().isdigit():
        return min(float(header), LONGEST_OBEDIENCE)
    try:
        asked = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
    return min(max(asked, 0.0), LONGEST_OBEDIENCE)
