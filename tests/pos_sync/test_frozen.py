"""Pages that are compressed once and completed for each till: one gzip member, the same object packed or plain."""

import gzip
import json
import zlib

import pytest

from pos_sync.frozen import complete_gzip, complete_plain, freeze, thaw

DOCUMENT = {"customers": [{"name": 'São "João" & Cia'}], "installments": [{"id": str(pk)} for pk in range(2_000)]}
OWN = {"page_token": None, "through_seq": 7, "told": "até já"}


@pytest.mark.parametrize("document", [DOCUMENT, {"installments": []}])
def test_a_completed_page_reads_the_same_packed_and_plain(document):
    frozen = freeze(document)
    packed, plain = gzip.decompress(complete_gzip(frozen, OWN)), complete_plain(frozen, OWN)
    assert packed == plain
    assert json.loads(plain) == document | OWN


def test_a_completed_page_is_one_member_for_readers_that_read_no_second():
    reader = zlib.decompressobj(wbits=31)
    written = reader.decompress(complete_gzip(freeze(DOCUMENT), OWN))
    assert (json.loads(written), reader.eof, reader.unused_data) == (DOCUMENT | OWN, True, b"")


def test_what_was_damaged_is_not_taken_for_whole():
    packed = bytearray(complete_gzip(freeze(DOCUMENT), OWN))
    packed[-6] ^= 1
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(bytes(packed))


def test_a_frozen_page_can_be_looked_at():
    assert thaw(freeze(DOCUMENT)) == DOCUMENT
