"""HTTP as tills speak it: bodies read with a cap, compact JSON, every refusal a problem document (RFC 9457).

What the fields mean is in `protocol`, which address does what in `api`.
"""

import gzip
import json
import logging
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import ValidationError

from pos_sync import protocol
from pos_sync.frozen import complete_gzip, complete_plain
from pos_sync.rate_limits import RateLimited
from receivables.domain.errors import RuleBroken

logger = logging.getLogger(__name__)

MAX_SENT_BYTES = protocol.MAX_BATCH_BYTES + 65_536  # what cannot be compressed grows a little
MAX_DRAINED_BYTES = 8 * 1024 * 1024
WORTH_COMPRESSING_BYTES = 512
RETRY_AFTER_SECONDS = 5
MEDIA_TYPE = "application/json"
PROBLEM_MEDIA_TYPE = "application/problem+json"

_ETAG = re.compile(r'"([0-9a-f]{1,64})"')
View = Callable[..., HttpResponse]


class Refusal(Exception):
    """A request is refused with one of `protocol.PROBLEMS`; `members` are added to its document."""

    def __init__(self, code: str, *, headers: Mapping[str, str] | None = None, **members: object) -> None:
        super().__init__(code)
        self.code, self.headers, self.members = code, dict(headers or {}), members


# Answers


def instant(moment: datetime) -> str:
    """Write an instant in UTC as RFC 3339 with milliseconds and offset."""
    return moment.astimezone(timezone.get_fixed_timezone(0)).isoformat(timespec="milliseconds")


def compact(document: object) -> str:
    """Write JSON without blanks."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def answer(document: Mapping[str, object], *, status: int = 200) -> HttpResponse:
    """Answer with a JSON object and the server's time."""
    return _json({"server_time": instant(timezone.now()), **document}, status=status, media_type=MEDIA_TYPE)


def frozen_answer(request: HttpRequest, frozen: bytes, members: Mapping[str, object], *, etag: str) -> HttpResponse:
    """Answer with a JSON object that was compressed before, the server's time now and `members` at its end."""
    rest = {"server_time": instant(timezone.now()), **members}
    headers = {"ETag": f'"{etag}"'}
    if _accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return HttpResponse(complete_gzip(frozen, rest), content_type=MEDIA_TYPE, headers=headers)
    return HttpResponse(complete_plain(frozen, rest), content_type=MEDIA_TYPE, headers=headers)


def etags_of(request: HttpRequest) -> list[str]:
    """Give the ids that `If-None-Match` names, strong or weak."""
    return _ETAG.findall(request.headers.get("If-None-Match", ""))


def not_modified(request: HttpRequest) -> HttpResponse:
    """Answer that what the till has is still the one to serve."""
    return HttpResponse(status=304, headers={"ETag": request.headers["If-None-Match"]})


def _json(document: object, *, status: int, media_type: str) -> HttpResponse:
    return HttpResponse(compact(document), status=status, content_type=media_type)


def _problem(code: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> HttpResponse:
    document = protocol.problem(code, **members) | {"server_time": instant(timezone.now())}
    response = _json(document, status=protocol.PROBLEMS[code][0], media_type=PROBLEM_MEDIA_TYPE)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def speak_protocol(view: View) -> View:
    """Make a view answer like this API whatever happens in it: problem documents, headers, compression."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a till never gets a page of HTML
            response = _refused(error)
        if response.status_code == 405:
            response = _problem("method_not_allowed", headers={"Allow": response.headers["Allow"]})
        return _finished(request, response)

    return answered


def nowhere(_request: HttpRequest) -> HttpResponse:
    """Refuse an address that this API does not have."""
    raise Refusal("not_found")


def _refused(error: Exception) -> HttpResponse:
    """Turn what a view raised into its problem; what nobody expected is logged and is a 500."""
    refusal = _refusal_of(error)
    if refusal.code in ("unavailable", "server_error"):
        logger.error("a till's request failed", exc_info=error)
    return _problem(refusal.code, headers=refusal.headers, **refusal.members)


def _refusal_of(error: Exception) -> Refusal:
    refusal = Refusal("server_error")
    match error:
        case Refusal():
            refusal = error
        case protocol.RequestRefused():
            refusal = Refusal(error.code, field=error.field)
        case RateLimited():
            refusal = Refusal(error.code, headers={"Retry-After": str(error.retry_after)})
        case ValidationError():
            refusal = Refusal("bad_field", field=str(error.errors[0]["loc"][-1]))
        case RuleBroken() if error.code in protocol.PROBLEMS:
            refusal = Refusal(error.code, detail=str(error))
        case Http404():
            refusal = Refusal("not_found")
        case OperationalError() | InterfaceError():
            refusal = Refusal("unavailable", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return refusal


def _finished(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept-Encoding"])
    is_packed = "Content-Encoding" in response.headers
    if not is_packed and len(response.content) >= WORTH_COMPRESSING_BYTES and _accepts_gzip(request):
        response.content = gzip.compress(response.content, 6, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.content))
    return response


def _accepts_gzip(request: HttpRequest) -> bool:
    for offer in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = offer.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


# Requests


def body_of(request: HttpRequest) -> bytes:
    """Read a JSON body, inflated, at most `MAX_BATCH_BYTES`.

    Raises Refusal unsupported_media_type, BatchTooLarge, and BadJson for broken compression or a broken line.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Refusal("unsupported_media_type")
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise Refusal("unsupported_media_type", headers={"Accept-Encoding": "gzip"})
    sent = _sent(request)
    return _inflated(sent) if encoding == "gzip" else sent


def address_of(request: HttpRequest) -> str:
    """Give the address that asks, as the nearest trusted proxy saw it."""
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    trusted = settings.TRUSTED_PROXIES
    seen = hops[-trusted].strip() if 0 < trusted <= len(hops) else ""
    return seen or request.META.get("REMOTE_ADDR", "")


def _sent(request: HttpRequest) -> bytes:
    """Read the body as it was sent; Django's own reader would refuse a long one with a page."""
    stream = _stream(request)
    try:
        body: bytes = stream.read(MAX_SENT_BYTES + 1)
        if len(body) <= MAX_SENT_BYTES:
            return body
        _drain(stream)
    except (UnreadablePostError, OSError) as broken:
        raise protocol.BadJson from broken
    raise protocol.BatchTooLarge


def _stream(request: HttpRequest) -> Any:
    """Give the stream of the body; Django takes one without a length for empty, servers that end it say so."""
    environ = getattr(request, "environ", {})
    is_chunked = "CONTENT_LENGTH" not in environ and environ.get("wsgi.input_terminated")
    return environ["wsgi.input"] if is_chunked else request


def _drain(stream: Any) -> None:
    """Let a client that is still sending finish, within reason, so that it can read the answer."""
    drained = 0
    while drained < MAX_DRAINED_BYTES and (piece := stream.read(65_536)):
        drained += len(piece)


def _inflated(sent: bytes) -> bytes:
    """Inflate one gzip member; what would grow over the limit is not inflated further."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(sent, protocol.MAX_BATCH_BYTES + 1)
    except zlib.error as broken:
        raise protocol.BadJson from broken
    if len(body) > protocol.MAX_BATCH_BYTES:
        raise protocol.BatchTooLarge
    if not inflater.eof or inflater.unused_data:
        raise protocol.BadJson
    return body
