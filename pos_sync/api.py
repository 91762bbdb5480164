"""How a till asks: the addresses of the POS sync protocol v1 under /api/pos/v1/ and their OpenAPI document.

Shapes are in `protocol`, HTTP in `http`, who may ask in `auth`, what is done in `services`.
"""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from pydantic import BeforeValidator, WithJsonSchema

from pos_sync import doorbell, openapi, protocol, rate_limits
from pos_sync.auth import PullToken, PushToken
from pos_sync.http import address_of, answer, body_of, compact, etags_of, frozen_answer, not_modified
from pos_sync.models import Device
from pos_sync.services import inbox
from pos_sync.services.changes import pull_changes
from pos_sync.services.devices import limits_of, policy_of, record_contact, rotate_token
from pos_sync.services.pairing import CodeExpired, CodeUsed, UnknownCode, pair, read_pairing_request
from pos_sync.services.reconcile import read_figures, reconcile
from pos_sync.services.snapshot import Asked, Page, first_page, read_page


class TillAPI(NinjaAPI):
    """The tills' door: what a view raises is translated by `http.speak_protocol`, not here."""

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """Let it rise."""
        raise exc

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Describe what the server does, problems included."""
        return openapi.completed(super().get_openapi_schema(**options))


api = TillAPI(
    title="POS sync protocol", version="1", description=openapi.DESCRIPTION, urls_namespace="pos",
    openapi_url=None, docs_url=None,
)  # fmt: skip

DEFAULT_PAGE = 500


def _wish(limit: int | None) -> int:
    """Read `limit`, which is a wish: within one and the largest page."""
    return min(max(limit if limit is not None else DEFAULT_PAGE, 1), protocol.MAX_PAGE)


def _integer(said: object) -> object:
    """Read a number of the query by its digits alone; what is left empty is absent."""
    if not isinstance(said, str):
        return said
    if said == "":
        return None
    digits = said.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 16):
        raise ValueError("an integer is expected")
    return int(said)


def _described(description: str, **bounds: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "description": description, **bounds})


Count = Annotated[int | None, BeforeValidator(_integer)]
Limit = Annotated[Count, _described("How many rows a page should have; a wish, kept within 1 and 1,000.")]
AfterSeq = Annotated[
    Count, _described("Only operations with a greater seq; 0 brings those without one as well.", minimum=0)
]
Epoch = Annotated[Count, _described("The epoch asked for; the device's current one where absent.", minimum=1)]


@api.get("/openapi.json", include_in_schema=False)
def describe(request: HttpRequest) -> HttpResponse:
    """Answer with the OpenAPI document of this API."""
    return HttpResponse(compact(api.get_openapi_schema(path_prefix="api/pos/v1/")), content_type="application/json")


@api.get("/ping", response={200: openapi.Ping}, operation_id="ping", summary="Is the server itself reachable (H4)")
def ping(request: HttpRequest) -> HttpResponse:
    """Answer without a token and without the database."""
    return answer({"protocol": protocol.PROTOCOL})


@api.post(
    "/pair",
    response={201: openapi.Paired},
    operation_id="pair",
    summary="Exchange a pairing code for a device and its token",
    openapi_extra=openapi.body("PairingRequest"),
)
def pair_till(request: HttpRequest) -> HttpResponse:
    """The same code and installation may ask again while the code lives: the same device, a new token."""
    now = timezone.now()
    sent = read_pairing_request(protocol.read_object(body_of(request)))
    try:
        paired = pair(request=sent, now=now)
    except (UnknownCode, CodeExpired, CodeUsed):
        rate_limits.take(rate_limits.FAILED_PAIRING, key=address_of(request))
        raise
    return answer(_introduction(paired.device, paired.token), status=201)


def _introduction(device: Device, token: str) -> dict[str, object]:
    return {
        "device_id": str(device.pk),
        "token": token,
        "branch": {"code": device.branch.code, "name": device.branch.name},
        "till": device.till,
        "receipt_series": device.receipt_series,
        "epoch": device.epoch,
        "limits": limits_of(policy_of(device.branch)),
    }


@api.get(
    "/snapshot",
    auth=PullToken(),
    response={200: openapi.SnapshotPage, 304: None},
    operation_id="snapshot",
    summary="The daily and the forced synchronisation (H5-H11)",
)
def snapshot(request: HttpRequest, page_token: str = "", limit: Limit = None) -> HttpResponse:
    """Without a page_token the first page of the branch's snapshot; all pages can be read for 24 hours.

    The ETag is the snapshot's id: `If-None-Match` is answered with 304 while it is still the one to serve.
    """
    now, device = timezone.now(), request.auth  # type: ignore[attr-defined]
    page: Page | None
    if page_token:
        page = read_page(device=device, page_token=page_token, now=now)
    else:
        page = first_page(Asked(device=device, limit=_wish(limit), now=now, known=etags_of(request)))
    if page is None:
        record_contact(device_id=device.pk, now=now, snapshot_as_of=now)
        return not_modified(request)
    if not page_token or page.is_last:  # not at each page: a till that reads many is heard at the first and the last
        record_contact(device_id=device.pk, now=now, snapshot_as_of=page.as_of if page.is_last else None)
    return frozen_answer(request, page.frozen, page.own, etag=page.snapshot_id)


@api.get(
    "/changes",
    auth=PullToken(),
    response={200: openapi.Changes},
    operation_id="changes",
    summary="What changed since a snapshot or the last pull",
    openapi_extra={"parameters": [openapi.CURSOR]},
)
def changes(request: HttpRequest, limit: Limit = None) -> HttpResponse:
    """Rows as they are now, in pages; the till applies the sequence with the rows when `more` is false."""
    now, device = timezone.now(), request.auth  # type: ignore[attr-defined]
    pull = pull_changes(device=device, cursor=request.GET.get("cursor", ""), limit=_wish(limit), now=now)
    record_contact(device_id=device.pk, now=now, snapshot_as_of=now if pull.is_last else None)
    return answer(pull.document)


@api.post(
    "/reconcile",
    auth=PullToken(),
    response={200: openapi.Reconciled},
    operation_id="reconcile",
    summary="Do the till's figures agree with the server's",
    openapi_extra=openapi.body("Reconcile"),
)
def reconcile_till(request: HttpRequest) -> HttpResponse:
    """Compare figures without the till's own pending payments, and ask for operations that never came."""
    now, device = timezone.now(), request.auth  # type: ignore[attr-defined]
    figures = read_figures(protocol.read_object(body_of(request)))
    found = reconcile(device=device, figures=figures, now=now)
    record_contact(device_id=device.pk, now=now)
    return answer(found)


@api.post(
    "/token/rotate",
    auth=PushToken(),
    response={200: openapi.Rotated},
    operation_id="rotate",
    summary="Exchange the token for a new one",
)
def rotate(request: HttpRequest) -> HttpResponse:
    """No body is needed; the old token works until the new one is first used."""
    now, device = timezone.now(), request.auth  # type: ignore[attr-defined]
    token = rotate_token(device=device, now=now)
    record_contact(device_id=device.pk, now=now)
    return answer({"token": token})


@api.post(
    "/operations",
    auth=PushToken(),
    response={200: openapi.PushAnswer},
    operation_id="push",
    summary="Deliver everything done in the contingency, in order (H12, H13, H23)",
    openapi_extra=openapi.body("Push"),
)
def push(request: HttpRequest) -> HttpResponse:
    """Store what came, once for ever, ring for it to be applied, and tell what is known of it."""
    now, device = timezone.now(), request.auth  # type: ignore[attr-defined]
    raw = body_of(request)
    envelope = protocol.read_envelope(raw)
    batch = inbox.store_batch(device=device, envelope=envelope, raw=raw, now=now)
    record_contact(
        device_id=device.pk, now=now, pending_count=envelope.pending_count,
        pending_sum_cents=envelope.pending_sum_cents,
    )  # fmt: skip
    if batch.is_news:
        doorbell.ring(device_id=batch.source.device_id, now=now)
    told = inbox.tell_batch(batch=batch)
    return answer(
        {
            "current_epoch": device.epoch,
            "through_seq": told.progress.through_seq,
            "applied_above": told.progress.applied_above,
            "missing": told.progress.missing,
            "results": told.results,
        }
    )


@api.get(
    "/operations",
    auth=PushToken(),
    response={200: openapi.Results},
    operation_id="results",
    summary="What became of this device's operations",
)
def results(request: HttpRequest, after_seq: AfterSeq = None, epoch: Epoch = None, limit: Limit = None) -> HttpResponse:
    """Results in the order of their seq, page by page; `more` says that there is another page."""
    now, device = timezone.now(), request.auth  # type: ignore[attr-defined]
    if (after_seq or 0) < 0:
        raise protocol.BadField(field="after_seq")
    if epoch is not None and epoch < 1:
        raise protocol.BadField(field="epoch")
    page = inbox.list_results(device=device, epoch=epoch, after_seq=after_seq or 0, limit=_wish(limit))
    record_contact(device_id=device.pk, now=now)
    return answer({"current_epoch": device.epoch, "results": page.results, "more": page.more})
