"""The till's journal: one JSON line an event, on the disk before anybody sees a paper (custody, H12)."""

import json
import os
from pathlib import Path
from typing import Any

from pos_sync.simulator.errors import JournalDamaged

Json = dict[str, Any]


class Journal:
    """Appends events and reads them back; a torn last line was never promised to anybody and is cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self.entries: list[Json] = self._recover()
        _sync_folder(path.parent)

    def write(self, event: str, **facts: Any) -> None:
        """Append one event and return only when the disk has it."""
        entry = {"event": event, **facts}
        self._file.write(compact(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.entries.append(entry)

    def last(self, *events: str) -> Json | None:
        """Return the newest entry of any of those events."""
        return next((entry for entry in reversed(self.entries) if entry["event"] in events), None)

    def close(self) -> None:
        self._file.close()

    def _recover(self) -> list[Json]:
        self._file.seek(0)
        *whole, torn = self._file.read().split(b"\n")
        try:
            entries = [json.loads(line) for line in whole]
        except ValueError as problem:
            raise JournalDamaged(f"{self.path} cannot be read: {problem}. Nothing in it was touched.") from problem
        if torn:
            self._file.truncate(self._file.tell() - len(torn))
        return entries


def compact(value: Any) -> bytes:
    """Return compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
