"""Structured logs: a request id on every line, never a token or a document."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.types import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
SECRET_KEY_NAMES = re.compile(r"(?i)authorization|cookie|token|password|secret|pin_hash|document|cpf|cnpj|pairing_code")
SECRET_TEXTS = (
    # what follows the word: Authorization headers, query strings, JSON
    re.compile(r"(?i)\b(?:device|bearer|basic|token)[ \t]+[A-Za-z0-9._~+/=-]{16,}"),
    re.compile(r"(?i)\b(?:page_token|token|password|secret|authorization)[\"']?\s*[=:]\s*[\"']?[^\s\"'&,;}]+"),
    # the codes that pair a till: "K7Q2-9MXD-4TWV-H3ZP"
    re.compile(r"(?i)\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}\b"),
    # passwords inside database and broker addresses
    re.compile(r"(?<=://)[^\s:/@]*:[^\s@/]+(?=@)"),
    # CNPJ (digits or alphanumeric) and CPF, with their punctuation or bare
    re.compile(r"(?i)\b[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-\d{2}\b"),
    re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"),
    re.compile(r"(?<![\w-])(?:\d{11}|\d{14}|[0-9A-Z]{12}\d{2})(?![\w-])"),
)


def scrub(value: Any) -> Any:
    """Return `value` with every token and document in its texts replaced."""
    if isinstance(value, str):
        for pattern in SECRET_TEXTS:
            value = pattern.sub(HIDDEN, value)
        return value
    if isinstance(value, bytes):
        return scrub(value.decode("utf-8", "replace"))
    if isinstance(value, dict):
        return {
            key: HIDDEN if isinstance(key, str) and SECRET_KEY_NAMES.search(key) else scrub(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(item) for item in value]
    return value


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Scrub one log line; a structlog processor."""
    scrubbed: EventDict = scrub(dict(event))
    return scrubbed


class RequestIdMiddleware:
    """Answer every request with the id that its log lines carry."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Remember the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Give the request an id of our own making, whatever the caller sent."""
        request_id = str(uuid.uuid4())
        request.META["HTTP_X_REQUEST_ID"] = request_id
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING; lines of plain `logging` pass the same processors."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    hide_secrets,
                    renderer,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"level": level},
            # The request line comes from django_structlog, with its request id.
            "django.server": {"handlers": [], "propagate": False},
        },
    }
