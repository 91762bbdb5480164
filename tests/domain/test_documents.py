"""CPF and CNPJ: the numbers of E.5, forms of writing, masks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.br import cnpj, cpf

from receivables.domain.documents import format_document, mask_document, parse_document
from receivables.domain.errors import InvalidDocument


@pytest.mark.parametrize(
    "written",
    [
        "12.ABC.345/01DE-35",  # the official example
        "00.000.000/E08G-12",  # the first real one reported
        "93.ZB0.VRY/V6KA-67",
        "12.ABC.34D/0001-66",
        "00.000.000/0001-91",
        "34.665.388/0001-61",
        "01.838.723/0001-27",
        "529.982.247-25",
        "000.000.001-91",
        "000.022.202-02",
    ],
)
def test_a_valid_document_is_stored_unmasked_and_written_back(written: str) -> None:
    stored = "".join(character for character in written if character.isalnum())
    assert parse_document(written) == stored
    assert parse_document(stored.lower()) == stored
    assert format_document(stored) == written


@pytest.mark.parametrize(
    "text",
    [
        "93.ZB0.VRY/V6KA-66",  # check digits of E.5
        "12.ABC.345/01DE-53",
        "12.ABC.345/01DE-3A",
        "00.000.000/0000-00",
        "34.665.388/0001-62",
        "529.982.247-26",
        "111.111.111-11",
        "000.000.000-00",
        "529.982.24X-25",
        "1.838.723/0001-27",
        "5299822472",
        "٥٢٩.٩٨٢.٢٤٧-٢٥",
        "12.ABC.345/01DE-35'",
        "",
        "não informado",
    ],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_document(text)
    assert (refused.value.code, refused.value.facts) == ("invalid_document", {"document": text})


def test_blanks_and_dashes_of_a_copied_document_are_read() -> None:
    assert parse_document(" 12. ABC.345 /01DE–35 ") == "12ABC34501DE35"


def weighted_remainder(characters: str) -> str:
    """Compute a check digit as E.5 says: weights 2 to 9 from the right, remainder 0 or 1 gives 0."""
    total = sum((ord(each) - 48) * (2 + position % 8) for position, each in enumerate(reversed(characters)))
    return str(0 if total % 11 < 2 else 11 - total % 11)


@given(
    st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=12, max_size=12).filter(lambda s: s.strip("0"))
)
def test_every_letter_may_stand_in_a_cnpj(characters: str) -> None:
    first = weighted_remainder(characters)
    document = characters + first + weighted_remainder(characters + first)
    assert parse_document(document) == document
    assert parse_document(format_document(document).lower()) == document


@given(st.text(max_size=20))
def test_what_is_read_is_a_document_of_one_of_the_two_registers(text: str) -> None:
    try:
        document = parse_document(text)
    except InvalidDocument:
        return
    assert cpf.is_valid(document) or cnpj.is_valid(document)


@pytest.mark.parametrize(
    ("stored", "masked"),
    [("52998224725", "***.982.247-**"), ("12ABC34501DE35", "**.**C.345/01**-**")],
)
def test_a_masked_document_shows_its_middle_six_characters(stored: str, masked: str) -> None:
    assert mask_document(stored) == masked


@pytest.mark.parametrize("stored", ["", "123", "123456789012", "123456789012345"])
def test_what_was_not_stored_as_a_document_is_neither_written_nor_masked(stored: str) -> None:
    with pytest.raises(InvalidDocument):
        format_document(stored)
    with pytest.raises(InvalidDocument):
        mask_document(stored)
