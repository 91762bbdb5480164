"""GET /changes: what the feed's entries are to a till, as rows of one state of the database (contract).

Rows are current state; what left the window is told by one word. Everything is read in one transaction, `through_seq`
and `applied_above` too: a till that applies them together with the rows never subtracts a payment twice.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import Exists, OuterRef
from django.utils import timezone

from pos_sync.models import ChangeNoun, Device, TillPolicy
from pos_sync.services import feed, window
from pos_sync.services.devices import limits_of, policy_of
from pos_sync.services.epochs import LAST_ID, Standing, in_its_epoch, look
from pos_sync.services.feed import Cursor, Entry
from pos_sync.services.inbox import tell_changed
from pos_sync.services.sequence import one_view, read_progress, remember_through
from pos_sync.services.window import Json
from receivables.domain.due_dates import till_window
from receivables.models import Branch, Customer, Installment, InstallmentStatus, TitleStatus
from receivables.models.installment import InstallmentQuerySet


@dataclass(frozen=True, slots=True)
class Pull:
    """The answer to a pull; `is_last` when the till has all there is with it."""

    document: Json
    is_last: bool


def pull_changes(*, device: Device, cursor: str, limit: int, now: datetime) -> Pull:
    """Give what is new to a device after a cursor, about `limit` rows of it (contract, GET /changes).

    Raises BadCursor, and CursorReset where only a snapshot helps.
    """
    pull, standing = in_its_epoch(lambda: _pull(device, cursor, limit, timezone.localdate(now)), now=now)
    remember_through(device_id=device.pk, epoch=standing.number, through_seq=int(str(pull.document["through_seq"])))
    return pull


def _pull(device: Device, cursor: str, limit: int, today: date) -> tuple[Pull, Standing]:
    with one_view():
        return _read(device, cursor, limit, today)


def _read(device: Device, cursor: str, limit: int, today: date) -> tuple[Pull, Standing]:
    standing = look()
    view = View.of(device.branch_id, today=today)
    read = feed.read_cursor(cursor, branch=view.branch, policy=view.policy, standing=standing)
    page = read_page(view, read, standing=standing, limit=limit, device_id=device.pk)
    progress = read_progress(device_id=device.pk, epoch=standing.number)
    told = {
        "cursor": page.cursor.written(),
        "more": page.more,
        "through_seq": progress.through_seq,
        "applied_above": progress.applied_above,
        "horizon": view.horizon.isoformat(),
        "results": tell_changed(device_id=device.pk, ids=page.operations) if page.operations else [],
        "limits": limits_of(view.policy),
    }
    return Pull(page.rows | told, is_last=not page.more), standing


@dataclass(frozen=True, slots=True)
class View:
    """What the tills of a branch may see on a day."""

    branch: Branch
    policy: TillPolicy
    today: date

    @classmethod
    def of(cls, branch_id: int, *, today: date) -> "View":
        """Look with a branch's present parameters and policy."""
        branch = Branch.objects.select_related("parameter_set", "city").get(pk=branch_id)
        return cls(branch, policy_of(branch), today)

    @property
    def horizon(self) -> date:
        return till_window(self.today)[1]

    @property
    def window(self) -> InstallmentQuerySet:
        return window.window_of(self.branch, self.policy, today=self.today)

    def sees(self, collecting_branch: int) -> bool:
        return self.policy.sees_company or collecting_branch == self.branch.pk


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one state of the database, whose operations have news, and the cursor of one who has them."""

    rows: Json
    operations: list[int]
    cursor: Cursor
    more: bool


def read_page(view: View, cursor: Cursor, *, standing: Standing, limit: int, device_id: int = 0) -> Page:
    """Read what is new after a cursor: first what the horizon uncovers, then the feed."""
    falling = window.installment_rows(feed.falling_into(view.window, cursor, horizon=view.horizon)[: limit + 1])
    if len(falling) > limit:
        last = falling[limit - 1]
        cursor = replace(cursor, horizon=str(last["due_date"]), day_id=int(str(last["id"])))
        return Page(_told(view, falling[:limit], []), [], cursor, more=True)
    room = max(limit - len(falling), 1)
    entries = feed.read_after(cursor, standing=standing, device_id=device_id, limit=room)
    reached = replace(cursor, horizon=max(cursor.horizon, view.horizon.isoformat()), day_id=LAST_ID)
    more = len(entries) > room and entries[room].is_settled
    if more:
        entries = entries[:room]
        reached = replace(reached, txid=entries[-1].txid, id=entries[-1].id)
    else:
        reached = feed.after_all(reached, standing=standing)
    news = [entry for entry in entries if entry.id not in cursor.ahead]
    operations = _ids(news, ChangeNoun.OPERATION)
    return Page(_told(view, falling, news), operations, reached, more)


# What entries are to a till


def _told(view: View, falling: Sequence[Json], entries: Sequence[Entry]) -> Json:
    nouns = {entry.noun for entry in entries}
    here, gone = _installments(view, entries)
    whole = list({str(row["id"]): row for row in (*falling, *here)}.values())
    terms = {int(str(row["terms_id"])) for row in whole}
    if ChangeNoun.PARAMETERS in nouns:
        terms.add(view.branch.parameter_set.terms_id)
    return {
        "installments": [*whole, *gone],
        "customers": _customers(view, whole, _ids(entries, ChangeNoun.CUSTOMER)),
        "terms": window.terms_rows(terms) if terms else [],
        **_setting(view, nouns),
    }


def _setting(view: View, nouns: Collection[str]) -> Json:
    """Give what a till has whole from its snapshot's first page, where it changed."""
    told: Json = {}
    if ChangeNoun.HOLIDAY in nouns:
        told["holidays"] = window.holidays(view.today)
    if ChangeNoun.PARAMETERS in nouns:
        told["branch"] = window.branch_row(view.branch)
    if nouns & {ChangeNoun.PARAMETERS, ChangeNoun.PAYMENT_METHOD}:  # type: ignore[operator]
        told["payment_methods"] = window.payment_methods(view.branch, view.policy)
    if ChangeNoun.OPERATOR in nouns:
        told["operators"] = window.operators(view.branch)
    return told


def _ids(entries: Sequence[Entry], noun: str) -> list[int]:
    return sorted({entry.row_id for entry in entries if entry.noun == noun})


def _installments(view: View, entries: Sequence[Entry]) -> tuple[list[Json], list[Json]]:
    """Give the changed installments that the window holds, and what became of those that a till may still hold."""
    was_due: dict[int, date] = {}
    for entry in entries:
        if entry.was_due is not None:
            was_due[entry.row_id] = min(entry.was_due, was_due.get(entry.row_id, entry.was_due))
    ids = _ids(entries, ChangeNoun.INSTALLMENT)
    here = window.installment_rows(view.window.filter(pk__among=ids).order_by("pk")) if ids else []
    held = {int(str(row["id"])) for row in here}
    gone = _gone(view, [pk for pk in ids if pk not in held and was_due.get(pk, date.max) <= view.horizon])
    return here, list(gone)


def _gone(view: View, ids: Collection[int]) -> Iterator[Json]:
    rows = Installment.objects.filter(pk__among=ids).order_by("pk").values_list(
        "pk", "version", "status", "title__status", "title__collecting_branch"
    ) if ids else ()  # fmt: skip
    for pk, version, status, title_status, branch in rows:
        yield {"id": str(pk), "version": version, "gone": _why(view, status, title_status, branch)}


def _why(view: View, status: str, title_status: str, branch: int) -> str:
    """Name why an installment is not on a till; of what is another branch's nothing more is told."""
    if not view.sees(branch):
        return "other_branch"
    if title_status == TitleStatus.CANCELLED:
        return "cancelled"
    return "settled" if status == InstallmentStatus.SETTLED else "moved_out"


def _customers(view: View, rows: Sequence[Json], changed: Sequence[int]) -> list[Json]:
    """Give the customers of rows, and the changed ones who have anything on the till."""
    told: dict[str, Json] = {}
    if rows:
        ids = {int(str(row["customer_id"])) for row in rows}
        told |= window.customer_rows(Customer.objects.filter(pk__among=ids))
    if others := [pk for pk in changed if str(pk) not in told]:
        here = Exists(view.window.filter(title__bill_to=OuterRef("pk")))
        told |= window.customer_rows(Customer.objects.filter(here, pk__among=others))
    return list(told.values())
