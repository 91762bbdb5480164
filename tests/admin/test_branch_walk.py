"""No address of the back office gives another branch's row: every one that there is is asked, with foreign ids.

The addresses are those of the resolver, the rows those of a ledger in which something of each kind has happened, all of
it in branches where the person has no part. A page that is added is walked by itself; one whose address has a part that
the walk cannot fill fails it. What leaks is recognised by documents, operations and nosso números.
"""

import json
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from pos_sync.models import Device, Operation, Snapshot
from receivables.admin.report_pages import REPORTS
from receivables.admin.story import STORIES
from receivables.models import (
    BankSlip,
    Branch,
    CashMovement,
    CustomerCredit,
    Divergence,
    LedgerAccount,
    Receipt,
    Title,
)
from tests.e2e.desk import today
from tests.e2e.lived_in import fill
from tests.make import REASON, make_branch, make_user

pytestmark = pytest.mark.django_db

ROOT = "/admin/"
REFUSED = (302, 403, 404, 405)
LEFT_OUT = {"logout", "login", "login_code"}
"""What ends or begins a session tells nothing of a ledger."""
_PART = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


@pytest.fixture(scope="module")
def ledger(django_db_setup: None, django_db_blocker: Any) -> Iterator[SimpleNamespace]:
    """A lived-in ledger, and a person with every permission in a branch where nothing ever happened."""
    with django_db_blocker.unblock(), transaction.atomic():
        fill()
        mine = make_branch(name="Minha")
        person = make_user(branches=(mine,))
        person.user_permissions.set(Permission.objects.all())
        client = Client(raise_request_exception=False)
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        yield SimpleNamespace(client=client, mine=mine, secrets=secrets(), query=foreign_query())
        transaction.set_rollback(True)


def secrets() -> list[bytes]:
    """Give what only the other branches' documents say, as it would be written on a page or into a file."""
    numbers = [
        *Title.objects.values_list("document_number", flat=True),
        *(number for number in BankSlip.objects.values_list("our_number", flat=True) if len(number) > 4),
        *Operation.objects.values_list("op_id", flat=True),
        *(each for each in Snapshot.objects.values_list("snapshot_id", flat=True) if len(each) > 4),
    ]  # fmt: skip
    return [number.encode() for number in numbers]


def foreign_query() -> dict[str, str]:
    """Give what a page may be asked with, each naming a row of another branch."""
    title = Title.objects.exclude(received_on=None).first() or Title.objects.first()
    day = f"{today():%d/%m/%Y}"
    return {
        "branch": str(title.collecting_branch_id), "customer": str(title.bill_to_id), "title": str(title.pk),
        "titles": str(title.pk), "installments": str(title.installments.first().pk), "receipt": str(_pk(Receipt)),
        "account": str(LedgerAccount.objects.filter(movements__isnull=False).first().pk), "day": day, "on": day,
        "first": f"01/{today():%m/%Y}", "last": day, "document": title.document_number.lower(),
        "due_from": "01/01/2020", "due_to": "31/12/2030", "file": "csv", "action": "x", "till": "03",
        "reason": REASON,
    }  # fmt: skip


def _pk(model: Any) -> int:
    return int(model._base_manager.values_list("pk", flat=True).first())


def books() -> list[Any]:
    """Give what nobody may have moved: what is posted, and the states that people decide on."""
    return [
        Receipt.objects.count(), CashMovement.objects.count(), CustomerCredit.objects.count(),
        *(list(model._base_manager.order_by("pk").values()) for model in (Divergence, Operation, Device, Title)),
    ]  # fmt: skip


# The addresses


def patterns(found: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Give every route of the back office and its name."""
    for each in found:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route, each.name or ""


def routes() -> list[tuple[str, str]]:
    every = [(route, name) for route, name in patterns(admin.site.get_urls()) if name not in LEFT_OUT]
    return [(route, name) for route, name in every if not route.endswith("(?P<url>.*)$")]


def noun_of(route: str) -> Any:
    """Give the noun of whose pages a route is one; None for a page of its own."""
    parts = route.split("/")
    for model in admin.site._registry:
        if parts[:2] == [model._meta.app_label, model._meta.model_name]:
            return model
    return None


def fillings(route: str) -> Iterator[Mapping[str, str]]:
    """Give the values for the parts of a route, each naming rows of other branches."""
    parts = {plain or named for plain, named in _PART.findall(route)}
    if not parts:
        yield {}
    elif parts <= {"object_id", "version_id"}:
        rows = [*_rows(noun_of(route), with_version="version_id" in parts), *_movable(noun_of(route), route)]
        yield from {each["object_id"]: each for each in rows}.values()
    elif parts == {"app", "model"}:
        yield from ({"app": each._meta.app_label, "model": each._meta.model_name} for each in admin.site._registry)
    elif parts == {"noun", "pk"}:
        yield from ({"noun": noun, "pk": str(_pk(model))} for noun, model in STORIES.items())
    elif parts == {"code"}:
        yield from ({"code": code} for code in REPORTS)
    elif parts == {"receipt_id"}:
        yield {"receipt_id": str(_pk(Receipt))}
    elif parts == {"app_label"}:
        yield {"app_label": "receivables"}
    elif parts == {"content_type_id", "object_id"}:
        yield {"content_type_id": "1", "object_id": "1"}
    else:
        pytest.fail(f"the walk does not know how to fill {route}: teach it")


def _rows(model: Any, *, with_version: bool) -> Iterator[Mapping[str, str]]:
    """Name foreign rows of a noun, the oldest and the newest."""
    rows = _foreign(model)
    for row in filter(None, {rows.order_by("pk").first(), rows.order_by("pk").last()}):
        if not with_version:
            yield {"object_id": str(row.pk)}
        elif hasattr(model, "history") and (record := row.history.first()):
            yield {"object_id": str(row.pk), "version_id": str(record.history_id)}


def _movable(model: Any, route: str) -> Iterator[Mapping[str, str]]:
    """Name a foreign row that a move applies to: any other is refused before it is asked whose it is."""
    moves = getattr(admin.site._registry[model], "transitions", {})
    verb = route.removesuffix("preview/").rstrip("/").rpartition("/")[2]
    if verb not in moves:
        return
    row = next((each for each in _foreign(model) if moves[verb].applies(each)), None)
    assert row is not None, f"the lived-in ledger has no row for {route}"
    yield {"object_id": str(row.pk)}


def _foreign(model: Any) -> Any:
    """Give the rows that a noun has, of which the person's own branch has none."""
    rows = model._base_manager.all()
    for lookup in getattr(admin.site._registry[model], "branch_lookups", ()):
        rows = rows.exclude(**{lookup if lookup == "pk" else f"{lookup}__name": "Minha"})
    return rows


def address(route: str, filling: Mapping[str, str]) -> str:
    filled = _PART.sub(lambda part: filling[part.group(1) or part.group(2)], route)
    return ROOT + filled.removeprefix("^").removesuffix("$")


# The walk


def is_of_a_branch(model: Any, *, depth: int = 4) -> bool:
    """Say whether a row of the noun must name a branch, or a row that does: it is nobody's but that branch's."""
    if model is None or not depth:
        return False
    if getattr(admin.site._registry.get(model), "branch_lookups", ()):
        return True
    needed = [each.related_model for each in model._meta.concrete_fields if each.is_relation and not each.null]
    return any(each is Branch or is_of_a_branch(each, depth=depth - 1) for each in needed)


def said(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def told(ledger: SimpleNamespace, answer: Any) -> list[bytes]:
    """Give what an answer tells of the other branches."""
    whole = said(answer) + str(answer.headers.get("Location", "")).encode()
    return [secret for secret in ledger.secrets if secret in whole]


def troubles(ledger: SimpleNamespace, where: str, *, must_refuse: bool) -> Iterator[str]:
    """Ask an address in every way that a person could; say what was wrong with the answers."""
    ways = [("get", {}), ("get", {"q": ledger.query["document"]}), ("get", ledger.query), ("post", ledger.query)]
    for method, query in ways[-2:] if must_refuse else ways:
        answer = getattr(ledger.client, method)(where, query)
        how = f"{method.upper()} {where}?{'&'.join(query)} answers {answer.status_code}"
        if answer.status_code >= 500:
            yield how
        if must_refuse and answer.status_code not in REFUSED:
            yield f"{how} for another branch's row"
        yield from (f"{how} and tells {secret.decode()}" for secret in told(ledger, answer))


def test_no_address_of_the_back_office_tells_of_another_branch(ledger):
    found, asked, before = [], 0, books()
    for route, _name in routes():
        for filling in fillings(route):
            asked += 1
            noun = Receipt if "receipt_id" in filling else STORIES.get(filling.get("noun", ""), noun_of(route))
            must_refuse = bool({"object_id", "receipt_id", "pk"} & set(filling)) and is_of_a_branch(noun)
            found += troubles(ledger, address(route, filling), must_refuse=must_refuse)
    assert asked > 200
    assert found == []
    assert books() == before


@pytest.mark.parametrize("is_rehearsal", [{}, {"is_rehearsal": "on"}])
def test_the_file_of_another_branchs_till_is_not_read_in(ledger, is_rehearsal):
    device, before = Device.objects.filter(operations__isnull=False).first(), books()
    known = Operation.objects.filter(device=device).first()
    operations = [
        {"op_id": op_id, "seq": 900, "kind": "cash_in", "v": 1, "occurred_at": "2026-11-23T12:00:00-03:00", "body": {}}
        for op_id in (known.op_id, "read-in")
    ]
    head = {"format": "quita-till-operations", "v": 1, "device_id": str(device.pk), "epoch": 1}
    file = BytesIO(json.dumps(head | {"operations": operations}).encode())
    answer = ledger.client.post(reverse("admin:import_operations"), {"file": file, **is_rehearsal})
    assert answer.context["form"].errors.keys() == {"__all__"}
    assert told(ledger, answer) == []
    assert books() == before


@pytest.mark.filterwarnings("error::django.core.paginator.UnorderedObjectListWarning")
def test_what_is_offered_while_typing_is_of_ones_own_branches(ledger):
    found = []
    for model in admin.site._registry:
        for field in model._meta.concrete_fields:
            if field.is_relation:
                names = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
                for term in ("", ledger.query["document"], ledger.query["document"][:5]):
                    answer = ledger.client.get(
                        f"{ROOT}autocomplete/", {**names, "field_name": field.name, "term": term}
                    )
                    found += [(field, secret) for secret in told(ledger, answer)]
                    assert answer.status_code in (200, 403, 404)
    assert found == []


def test_the_walk_has_a_row_of_every_noun_that_belongs_to_a_branch(ledger):
    """A noun without a foreign row would be walked past: the lived-in ledger must have one."""
    scoped = [model for model in admin.site._registry if is_of_a_branch(model)]
    assert [model.__name__ for model in scoped if not _foreign(model).exists()] == []


def test_the_walk_would_see_a_leak(ledger):
    """A superuser is told what the walk looks for: its secrets are indeed on the pages."""
    client = Client()
    client.force_login(make_user(is_superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    seen = sum(
        bool(told(ledger, client.get(f"{ROOT}{place}/"))) for place in ("receivables/title", "pos_sync/operation")
    )
    assert seen == 2
