"""Reading a PDF back: what each of its pages says, and where each text begins."""

import re
import zlib
from base64 import a85decode
from typing import NamedTuple

_STREAM = re.compile(rb"<<([^>]*?)>>\s*stream\r?\n(.*?)endstream", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_SIZE = re.compile(rb"/MediaBox \[ ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) \]")
_NUMBER = rb"(-?[\d.]+)"
_DRAWN = re.compile(
    rb"(?P<text>\((?P<said>(?:\\.|[^\\()])*)\) Tj)|(?P<kept>\bq\b)|(?P<back>\bQ\b)|(?P<next>T\*)|"
    + rb" ".join([_NUMBER] * 4) + rb" (?P<x>-?[\d.]+) (?P<y>-?[\d.]+) (?P<way>cm|Tm)|"
    rb"(?P<dx>-?[\d.]+) (?P<dy>-?[\d.]+) Td|(?P<leading>[\d.]+) TL",
    re.DOTALL,
)  # fmt: skip


class Placed(NamedTuple):
    """A text and where it begins, in points from the left and from below; turned texts stand where they turn."""

    left: float
    below: float
    text: str


def pages(pdf: bytes) -> list[str]:
    """Give what each page says, in the order of drawing, texts parted by spaces."""
    return [" ".join(each.text for each in _read(drawn)) for drawn in _drawings(pdf)]


def placed(pdf: bytes, page: int = 0) -> list[Placed]:
    """Give the texts of a page and where they stand."""
    return _read(_drawings(pdf)[page])


def sizes(pdf: bytes) -> list[tuple[float, float]]:
    """Give width and height of each page, in points."""
    return [(float(width), float(height)) for _left, _below, width, height in _SIZE.findall(pdf)]


def _drawings(pdf: bytes) -> list[bytes]:
    return [_plain(head, body) for head, body in _STREAM.findall(pdf)]


def _plain(head: bytes, body: bytes) -> bytes:
    if b"ASCII85Decode" in head:
        body = a85decode(body.strip().removesuffix(b"~>"))
    return zlib.decompress(body) if b"FlateDecode" in head else body


def _read(drawn: bytes) -> list[Placed]:
    """Follow the moves of the origin and of the lines of text; nothing is scaled."""
    origins, x, y, column, line, leading = [(0.0, 0.0)], 0.0, 0.0, 0.0, 0.0, 0.0
    texts = []
    for each in _DRAWN.finditer(drawn):
        if each["text"]:
            texts.append(Placed(x + column, y + line, _text(each["said"])))
        elif each["kept"]:
            origins.append((x, y))
            x, y = origins[-1]
        elif each["back"]:
            x, y = origins.pop()
        elif each["way"] == b"cm":
            x, y = x + float(each["x"]), y + float(each["y"])
        elif each["way"]:
            column, line = float(each["x"]), float(each["y"])
        elif each["dx"]:
            column, line = column + float(each["dx"]), line + float(each["dy"])
        elif each["leading"]:
            leading = float(each["leading"])
        else:
            line -= leading
    return texts


def _text(said: bytes) -> str:
    def plain(match: re.Match[bytes]) -> bytes:
        return bytes([int(match[1], 8)]) if match[1].isdigit() else match[1]

    return _ESCAPED.sub(plain, said).decode("cp1252")
