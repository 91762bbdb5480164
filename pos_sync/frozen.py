"""JSON objects that are compressed once and completed for each reader: the last members are added behind, as they are.

One gzip member in all (RFC 1952), since browsers read no second one. No framework, no database.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # deflate, no name, no time, fastest, no system
_TRAILER = struct.Struct("<II")  # the CRC-32 and the length of what was compressed
_RAW = -zlib.MAX_WBITS


def freeze(document: Mapping[str, object], *, lists: Mapping[str, Iterable[str]] | None = None) -> bytes:
    """Compress an object that has members, left open: neither its brace nor the compression is closed.

    `lists` are members too, whose items are JSON text already.
    """
    ends = [f'"{name}":[{",".join(items)}]' for name, items in (lists or {}).items()]
    written = b",".join([_written(document)[:-1], *map(str.encode, ends)])
    packer = zlib.compressobj(1, wbits=_RAW)
    packed = packer.compress(written) + packer.flush(zlib.Z_SYNC_FLUSH)
    return _HEADER + packed + _TRAILER.pack(zlib.crc32(written), len(written))


def extend(frozen: bytes, members: Mapping[str, object]) -> bytes:
    """Add members, one at least, and leave the object open."""
    return _joined(frozen, members, end=zlib.Z_SYNC_FLUSH)


def complete_gzip(frozen: bytes, members: Mapping[str, object]) -> bytes:
    """Add the last members, one at least, and give the object as gzip, without looking at what is frozen."""
    return _joined(frozen, members, end=zlib.Z_FINISH)


def complete_plain(frozen: bytes, members: Mapping[str, object]) -> bytes:
    """Add the last members, one at least, and give the object as it reads."""
    return _inflated(frozen) + _rest(members)


def thaw(frozen: bytes) -> Any:
    """Give the frozen object."""
    return json.loads(_inflated(frozen) + b"}")


def _inflated(frozen: bytes) -> bytes:
    return zlib.decompressobj(wbits=_RAW).decompress(frozen[len(_HEADER) : -_TRAILER.size])


def _joined(frozen: bytes, members: Mapping[str, object], *, end: int) -> bytes:
    crc, size = _TRAILER.unpack(frozen[-_TRAILER.size :])
    rest = _rest(members, is_last=end == zlib.Z_FINISH)
    packer = zlib.compressobj(1, wbits=_RAW)
    packed = packer.compress(rest) + packer.flush(end)
    return frozen[: -_TRAILER.size] + packed + _TRAILER.pack(zlib.crc32(rest, crc), size + len(rest))


def _rest(members: Mapping[str, object], *, is_last: bool = True) -> bytes:
    written = _written(members)
    return b"," + (written[1:] if is_last else written[1:-1])


def _written(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
