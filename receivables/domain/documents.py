"""CPF and CNPJ, numeric or alphanumeric (E.5, S17-S19): read, written and masked in this one place."""

import re

from stdnum.br import cnpj, cpf
from stdnum.exceptions import ValidationError

from .errors import InvalidDocument

_CPF = re.compile(r"[0-9]{11}")
_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
_MASK = re.compile(r"[.\-/\s]")


def parse_document(text: str) -> str:
    """Read a CPF or CNPJ, masked or not, as 11 digits or 14 upper-case characters (E.5).

    Raises InvalidDocument for a wrong length, character or check digit, and for a CPF of one repeated digit.
    """
    document = cnpj.compact(text)
    try:
        if _CPF.fullmatch(document) and len(set(document)) > 1:
            return cpf.validate(document)
        if _CNPJ.fullmatch(document):
            return cnpj.validate(document)
    except ValidationError:
        pass
    raise InvalidDocument(document=text)


def bare_document(text: str) -> str:
    """Write what may be the beginning of a CPF or CNPJ as it is stored: without its mask, in capitals."""
    return _MASK.sub("", text).upper()


def format_document(stored: str) -> str:
    """Write a stored document as `123.456.789-09` or `12.ABC.345/01DE-35`; raises InvalidDocument for other lengths."""
    if len(stored) == 11:
        return f"{stored[:3]}.{stored[3:6]}.{stored[6:9]}-{stored[9:]}"
    if len(stored) == 14:
        return f"{stored[:2]}.{stored[2:5]}.{stored[5:8]}/{stored[8:12]}-{stored[12:]}"
    raise InvalidDocument(document=stored)


def mask_document(stored: str) -> str:
    """Show only the middle six characters: 4th to 9th of a CPF, 5th to 10th of a CNPJ, stars for the others.

    `***.456.789-**` for a CPF, `**.**C.345/01**-**` for a CNPJ. Raises InvalidDocument for other lengths.
    """
    first = 3 if len(stored) == 11 else 4
    return format_document("*" * first + stored[first : first + 6] + "*" * (len(stored) - first - 6))
