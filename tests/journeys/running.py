"""A company running as it does in production: real processes, each in a group of its own, that can be killed.

What they say is in files; nothing that was started here outlives its test.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]
SHOWN_OF_A_LOG = 6_000


def wait_for(what: str, is_there: Callable[[], Any], *, seconds: float, every: float = 0.05) -> Any:
    """Ask until the answer is true and give it; raises TimeoutError with `what` did not come."""
    give_up_at = time.monotonic() + seconds
    while not (answer := is_there()):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)
    return answer


def free_port() -> int:
    """Give a TCP port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[int]:
    """Listen on a port, let everybody connect, and never answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        yield listener.getsockname()[1]


class Part:
    """One process and its children; started again, it goes on in the same log."""

    def __init__(self, name: str, command: list[str], *, environment: dict[str, str], folder: Path) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        return self

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait(self, *, seconds: float) -> int:
        """Wait until it ends by itself and give its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL, to it and to all its children."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def kill_alone(self) -> None:
        """SIGKILL to it, and to none of its children."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    @property
    def is_anybody_left(self) -> bool:
        """Say whether any process of its group is there."""
        assert self._process is not None
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def children(self) -> list[int]:
        """Give the pids of the children that it has now."""
        with suppress(FileNotFoundError):
            return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def kill_children(self) -> int:
        """SIGKILL to its children alone; give how many were hit."""
        children = self.children()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return len(children)

    def words(self) -> str:
        """Give what it said."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Company:
    """A database of its own, the environment of a production, and what runs on them."""

    branch: str
    imported: dict[str, Any]
    before: dict[str, Any]

    def __init__(self, *, folder: Path, server_url: str, redis_url: str) -> None:
        self.folder, self.redis_url = folder, redis_url
        self.database = f"quita_journey_{secrets.token_hex(4)}"
        self._server_url = server_url
        self._parts: list[Part] = []
        self._eyes: psycopg.Connection | None = None
        self._secret_key = secrets.token_urlsafe(60)

    # The database

    def database_url(self, *, application: str = "", database: str | None = None) -> str:
        """Give the address of the company's database; PostgreSQL shows `application` beside each connection."""
        parts = urlsplit(self._server_url)
        asked = "&".join(
            filter(None, [parts.query, urlencode({"application_name": application}) if application else ""])
        )
        return urlunsplit(("postgresql", parts.netloc, f"/{database or self.database}", asked, ""))

    def __enter__(self) -> Self:
        self._on_server(f'CREATE DATABASE "{self.database}"')
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts:
            part.kill()
        if self._eyes is not None:
            self._eyes.close()
        self._on_server(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self.database_url(database="postgres"), autocommit=True, connect_timeout=5) as server:
            server.execute(statement)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Read from the company's database."""
        if self._eyes is None:
            self._eyes = psycopg.connect(self.database_url(), autocommit=True, connect_timeout=5)
        return self._eyes.execute(statement, values).fetchall()

    def is_busy(self, application: str) -> bool:
        """Say whether a connection of `application` is inside a transaction that has written."""
        asked = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = %s "
            "AND backend_xid IS NOT NULL"
        )
        ((count,),) = self.rows(asked, self.database, application)
        return bool(count)

    def is_blocked(self, application: str) -> bool:
        """Say whether a connection of `application` waits for a lock."""
        asked = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = %s "
            "AND wait_event_type = 'Lock'"
        )
        ((count,),) = self.rows(asked, self.database, application)
        return bool(count)

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Let nobody write to a table for a while."""
        with psycopg.connect(self.database_url(), connect_timeout=5) as connection:
            connection.execute(f'LOCK TABLE "{table}" IN EXCLUSIVE MODE')
            yield

    # Processes

    def environment(self, application: str, **more: str) -> dict[str, str]:
        """Give the settings of a production on this machine, without a proxy in front."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        return (
            kept
            | {
                "ALLOWED_HOSTS": "127.0.0.1",
                "DATABASE_URL": self.database_url(application=application),
                "LOG_LEVEL": "INFO",
                "PYTHONUNBUFFERED": "1",
                "REDIS_URL": self.redis_url,
                "SECRET_KEY": self._secret_key,
                "SECURE_SSL_REDIRECT": "0",
                "TRUSTED_PROXIES": "0",
            }
            | more
        )

    def manage(self, *arguments: str, seconds: float = 180, exit_code: int | None = 0) -> str:
        """Run a command to its end and give what it printed; None leaves its exit code to who asks."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment("manage"), timeout=seconds,
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        words = f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert exit_code in (None, done.returncode), words
        return done.stdout

    def part(self, name: str, *command: str, program: str = sys.executable, **environment: str) -> Part:
        """Start a process that is killed when the company closes."""
        given = self.environment(name, **environment)
        part = Part(name, [program, *command], environment=given, folder=self.folder)
        self._parts.append(part)
        return part.start()

    def web(self, **environment: str) -> str:
        """Start gunicorn and give its address once it answers."""
        port = free_port()
        self.part(
            "web", "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
            "--workers", "2", "--threads", "8", "--no-control-socket", **environment,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        wait_for("the web server", lambda: is_answering(f"{address}/api/pos/v1/ping"), seconds=60)
        return address

    def worker(self, *options: str, **environment: str) -> Part:
        """Start a Celery worker."""
        return self._celery("worker", "--concurrency", "2", *options, **environment)

    def beat(self, **environment: str) -> Part:
        """Start the one beat."""
        return self._celery("beat", *self.schedule, **environment)

    @property
    def schedule(self) -> tuple[str, str]:
        """Give the option that says where a beat remembers what it did."""
        return "--schedule", str(self.folder / "celerybeat-schedule")

    def _celery(self, name: str, *options: str, **environment: str) -> Part:
        return self.part(name, "-m", "celery", "-A", "config", name, "--loglevel", "INFO", *options, **environment)

    def redis(self, *, port: int) -> Part:
        """Start a Redis of one's own, that may be killed."""
        server = shutil.which("redis-server")
        assert server, "redis-server is not installed"
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        return self.part("redis", *options, program=server)

    def __getitem__(self, name: str) -> Part:
        """Give the newest part of that name."""
        return next(part for part in reversed(self._parts) if part.name == name)

    def close(self) -> None:
        """Kill what runs and tell what it said, for the report of a test that failed."""
        for part in self._parts:
            part.kill()
            print(f"\n--- {part.name}\n{part.words()[-SHOWN_OF_A_LOG:]}")
        self._parts.clear()

    # Tills

    def pairing_code(self, *, till: str) -> str:
        """Make a code for a till of the company's branch."""
        made = self.manage("pair_device", "--branch", self.branch, "--till", till, "--json")
        code: str = json.loads(made)["code"]
        return code

    def simulated_till(self, url: str, *, receipts: int) -> Part:
        """Start a till that receives offline and delivers over a bad line; its journal is `journal.jsonl`."""
        return self.part(
            "till", "manage.py", "simulate_till", "--url", url, "--code", self.pairing_code(till="07"),
            "--receipts", str(receipts), "--faults", "--batch", "5", "--timeout", "240",
            "--journal", str(self.folder / "journal.jsonl"),
        )  # fmt: skip


class SmallTill:
    """A till that is paired and puts cash in, one push each."""

    def __init__(self, url: str, *, code: str) -> None:
        self._base, self._token = f"{url}/api/pos/v1", ""
        self._token = self._ask("/pair", {"code": code, "install_id": secrets.token_hex(16), "software": "1"})["token"]

    def push_cash_in(self, seq: int) -> float:
        """Deliver one operation, see it stored, and give the seconds that it took."""
        body = {"amount_cents": 1_000, "reason": "Suprimento"}
        operation = {
            "op_id": secrets.token_hex(16), "seq": seq, "kind": "cash_in", "v": 1,
            "occurred_at": datetime.now(UTC).isoformat(), "body": body,
        }  # fmt: skip
        started = time.monotonic()
        answer = self._ask("/operations", {"operations": [operation]})
        assert [result["custody"] for result in answer["results"]] == ["stored"]
        return time.monotonic() - started

    def states(self) -> list[str]:
        """Give the states of what was delivered, in order."""
        return [result["state"] for result in self._ask("/operations?after_seq=0")["results"]]

    def _ask(self, path: str, document: dict[str, Any] | None = None) -> Any:
        content = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Device {self._token}"}
        request = urllib.request.Request(self._base + path, content, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def is_answering(url: str) -> bool:
    """Say whether a server answers there with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
