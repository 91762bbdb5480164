"""Log lines: one request id each, never a token or a document."""

import json
import logging
import logging.config
from io import StringIO

import pytest
import structlog
from django.conf import settings
from django.test import Client

from config.logs import HIDDEN, logging_config, scrub

TOKEN = "kP3vX9sLq0Zt7YbN2mWc5RdF8gHjUaEi"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Device {TOKEN}", TOKEN),
        (f"got Bearer {TOKEN} from till", TOKEN),
        (f"GET /api/pos/v1/snapshot?page_token={TOKEN}&limit=5", TOKEN),
        (f'{{"token": "{TOKEN}"}}', TOKEN),
        ("code K7Q2-9MXD-4TWV-H3ZP used", "K7Q2-9MXD-4TWV-H3ZP"),
        ("cliente 529.982.247-25 pagou", "529.982.247-25"),
        ("cliente 52998224725 pagou", "52998224725"),
        ("empresa 12.345.678/0001-95", "12.345.678/0001-95"),
        ("empresa 12.ABC.345/01DE-35", "12.ABC.345/01DE-35"),
        ("empresa 12ABC34501DE35", "12ABC34501DE35"),
        ("empresa 12345678000195", "12345678000195"),
        ("postgres://quita:hunter2@db/quita", "hunter2"),
    ],
)
def test_a_secret_in_a_text_is_hidden(text: str, secret: str) -> None:
    assert secret not in scrub(text)
    assert HIDDEN in scrub(text)


@pytest.mark.parametrize("text", ["operation 0198c0de-7a1b-7c3d-8e4f-0123456789ab stored", "R$ 1.234,56", "FAT-123"])
def test_an_ordinary_text_is_left_alone(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize("name", ["Authorization", "device_token", "password", "document", "cpf", "sessionid_cookie"])
def test_a_secret_under_its_name_is_hidden_at_any_depth(name: str) -> None:
    assert scrub({"outer": [{name: "x"}]}) == {"outer": [{name: HIDDEN}]}


def lines_of(log: logging.Logger) -> StringIO:
    """Send `log` through the production's formatter into the buffer that is returned."""
    config = logging_config(level="INFO", as_json=True)
    buffer = StringIO()
    handler = logging.StreamHandler(buffer)
    logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, "formatters": config["formatters"], "handlers": {}}
    )
    formatter = dict(config["formatters"]["lines"])
    handler.setFormatter(formatter.pop("()")(**formatter))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    return buffer


def test_a_line_of_plain_logging_is_scrubbed_with_its_traceback() -> None:
    log = logging.getLogger("test.plain")
    buffer = lines_of(log)
    try:
        raise ValueError(f"bad token={TOKEN} of 529.982.247-25")
    except ValueError:
        log.exception("refused %s", "52998224725")
    line = buffer.getvalue()
    assert "ValueError" in line
    for secret in (TOKEN, "529.982.247-25", "52998224725"):
        assert secret not in line


def test_a_structured_line_is_json_with_the_request_id() -> None:
    buffer = lines_of(logging.getLogger("test.structured"))
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("test.structured").info("stored", device_token=TOKEN)
    line = json.loads(buffer.getvalue())
    assert (line["event"], line["request_id"], line["device_token"]) == ("stored", "r-1", HIDDEN)


def test_every_answer_carries_a_request_id_of_our_own(db: None) -> None:
    answer = Client().get("/", headers={"X-Request-ID": "chosen-by-the-caller"})
    assert len(answer.headers["X-Request-ID"]) == 36


def test_the_scrubber_runs_last_before_the_line_is_written() -> None:
    processors = settings.LOGGING["formatters"]["lines"]["processors"]
    assert processors[-2].__name__ == "hide_secrets"
