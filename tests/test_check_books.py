"""`check_books`: a ledger made by the services is clean, and each corruption is found by the check that owns it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from itertools import product

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker

from pos_sync.models import Device, DeviceEpoch, Operation, OperationArrival
from pos_sync.services.snapshot import build
from receivables import books
from receivables.domain import fold
from receivables.domain.allocation import Allocation
from receivables.domain.charges import Standing
from receivables.domain.reversal import ClosedCashOption
from receivables.management.commands.check_books import SHOWN_OF_EACH
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    CashMovement,
    CashSession,
    ClosedCashReversal,
    Customer,
    CustomerCredit,
    Divergence,
    DocumentType,
    HistoryCode,
    Installment,
    InstallmentStatus,
    LedgerAccount,
    ParameterSet,
    PaymentMethod,
    Receipt,
    Reversal,
    Terms,
    Title,
    triggers,
)
from receivables.models.audited import Actor
from receivables.services.cash_day import COUNT_DIFFERS, close_day, land_later, reopen_day
from receivables.services.cash_movement import post_movement, record_cash_movement, reverse_cash_movement
from receivables.services.cash_session import close_session, open_session
from receivables.services.credit import refund_credit, use_credit
from receivables.services.posting import CreditDraft, ReceiptDraft, ShareDraft, TenderDraft, post_receipts
from receivables.services.reversal import ClosedCash, Debit, reverse_share, reverse_title, void_receipt
from receivables.services.settlement import Deposit, settle_installment, settle_title
from receivables.services.title import Part, cancel_title, issue_title

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("check_books")]

MONDAY, TUESDAY, TODAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 20)
DUE = date(2026, 12, 10)
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
CLERK = Actor(name="clara", channel="back_office")
TILL = Actor(name="till 03", channel="till")
REASON = "recebido em duplicidade"


@dataclass
class World:
    """A small company whose books hold one case of everything that the checks look at."""

    receipts: dict[str, Receipt] = field(default_factory=dict)
    titles: dict[str, Title] = field(default_factory=dict)
    documents: int = 0

    def __post_init__(self) -> None:
        self.codes()
        self.cash = self.branch("01", control_on=True)
        self.loose = self.branch("02", control_on=False)
        self.customer = Customer(document="11144477735", name="Ana")
        self.customer.save_as(CLERK)

    def codes(self) -> None:
        self.terms = Terms.objects.create(
            interest_percent=1, interest_per="month30", fine_percent=2, max_discount_percent=10
        )
        self.entered = HistoryCode(code="C", name="Recebimento", direction="credit")
        self.left = HistoryCode(code="D", name="Estorno", direction="debit")
        self.slip = DocumentType(code="REC", name="Recibo")
        self.method = PaymentMethod(code="cash", name="Dinheiro", gives_change=True)
        self.credit = PaymentMethod(code=PaymentMethod.CREDIT, name="Crédito do cliente")
        for row in (self.entered, self.left, self.slip, self.method, self.credit):
            row.save_as(CLERK)

    def branch(self, code: str, *, control_on: bool) -> LedgerAccount:
        """Make a branch with its own parameters and one account for every means of payment."""
        parameters = ParameterSet(name=code, terms=self.terms, cash_closing_control=control_on)
        parameters.save_as(CLERK)
        branch = Branch(code=code, name=f"Filial {code}", parameter_set=parameters)
        branch.save_as(CLERK)
        account = LedgerAccount(short_code=code, name="Caixa", branch=branch)
        account.save_as(CLERK)
        for method in (self.method, self.credit):
            BranchPaymentMethod(
                branch=branch, method=method, account=account, credit_history=self.entered,
                debit_history=self.left, document_type=self.slip,
            ).save_as(CLERK)  # fmt: skip
        return account

    def title(self, *amounts: int, account: LedgerAccount | None = None, our_number: str = "") -> Title:
        """Issue a title of so many reais, one installment each."""
        account = account or self.cash
        self.documents += 1
        fields = {
            "document_number": f"FAT-{self.documents}", "issued_on": date(2026, 11, 1), "bill_to": self.customer,
            "entry_branch": account.branch, "issuing_branch": account.branch, "collecting_branch": account.branch,
            "account": account,
        }  # fmt: skip
        parts = [Part(due_date=DUE, amount=Decimal(amount), our_number=our_number) for amount in amounts]
        return issue_title(fields=fields, parts=parts, by=CLERK)

    def settled(self, name: str, *amounts: int, received: int, on: date = TODAY, account=None) -> Title:
        """Issue a title, settle it on a day and remember both under a name."""
        title = self.titles[name] = self.title(*amounts, account=account)
        self.receipts[name] = settle_title(
            title_id=title.pk, received=Decimal(received), received_on=on, deposit=Deposit("cash", cash_date=on),
            by=CLERK, now=NOW, on=TODAY,
        )  # fmt: skip
        return title

    def part_paid(self, name: str, title: Title, *, received: int) -> None:
        self.titles[name] = title
        self.receipts[name] = settle_installment(
            installment_id=title.installments.first().pk, received=Decimal(received), received_on=TODAY,
            deposit=Deposit("cash", cash_date=TODAY), by=CLERK, now=NOW, on=TODAY,
        )  # fmt: skip

    def reversal_of(self, name: str) -> Reversal:
        return self.receipts[name].reversals.get()

    def record_of(self, name: str) -> ClosedCashReversal:
        return self.reversal_of(name).closed_cash.get()

    def movement_of(self, name: str) -> CashMovement:
        return self.receipts[name].movements.filter(reversal=None).get()


def a_company_at_work() -> World:
    world = World()
    receipts(world)
    closed_cash(world)
    credits(world)
    days(world)
    tills(world)
    return world


def receipts(world: World) -> None:
    """Open, partly settled, settled, reversed and cancelled titles."""
    world.titles["open"] = world.title(300, our_number="00000001")
    world.part_paid("part", world.title(100, 200), received=40)
    world.settled("settled", 50, 50, received=100)
    world.settled("reversed", 80, received=80)
    reverse_title(title_id=world.titles["reversed"].pk, reason=REASON, by=CLERK, now=NOW, on=TODAY)
    world.part_paid("earlier", world.title(90), received=30)
    world.part_paid("later", world.titles["earlier"], received=60)
    reverse_share(
        title_id=world.titles["later"].pk, receipt_id=world.receipts["later"].pk, reason=REASON, by=CLERK, now=NOW,
        on=TODAY,
    )  # fmt: skip
    world.titles["cancelled"] = cancel_title(title_id=world.title(10).pk, reason=REASON, by=CLERK)


def closed_cash(world: World) -> None:
    """Both closed-cash options, a known difference that is partly cleared, and a cleared one whose clearing fell."""
    world.settled("debited", 100, received=100, on=MONDAY)
    world.settled("undebited", 70, received=70, on=MONDAY)
    close_day(account_id=world.cash.pk, day=MONDAY, by=CLERK, now=NOW, on=TODAY)
    debits = [Debit(TODAY, Decimal(amount), world.left.pk, world.slip.pk) for amount in (90, 2)]
    answers = {
        "debited": ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, debits),
        "undebited": ClosedCash(ClosedCashOption.NO_DEBIT),
    }
    for name, answer in answers.items():
        reverse_title(
            title_id=world.titles[name].pk, reason=REASON, by=CLERK, now=NOW, on=TODAY,
            closed_cash={world.cash.pk: answer}, confirmed=frozenset({"debits_differ"}),
        )  # fmt: skip
    world.clearing = moved(world, -6, clears_id=world.record_of("debited").pk)
    fallen = moved(world, -70, clears_id=world.record_of("undebited").pk)
    undone(world, fallen, world.entered)


def moved(world: World, amount: int, **options) -> CashMovement:
    history = world.entered if amount > 0 else world.left
    return record_cash_movement(
        account_id=world.cash.pk, cash_date=TODAY, amount=Decimal(abs(amount)), history_code_id=history.pk,
        document_type_id=world.slip.pk, by=CLERK, now=NOW, on=TODAY, **options,
    )  # fmt: skip


def undone(world: World, movement: CashMovement, history: HistoryCode) -> CashMovement:
    return reverse_cash_movement(movement_id=movement.pk, history_code_id=history.pk, reason=REASON, by=CLERK, now=NOW)


def credits(world: World) -> None:
    """Credit granted, used, given back and refunded, and ordinary movements beside."""
    world.settled("excess", 100, received=130)
    for title in (world.title(25), world.title(15)):
        receipt = use_credit(
            installment_id=title.installments.get().pk, amount=Decimal(10), cash_date=TODAY, by=CLERK, now=NOW, on=TODAY
        )
    reverse_share(title_id=title.pk, receipt_id=receipt.pk, reason=REASON, by=CLERK, now=NOW, on=TODAY)
    world.refund = refund_credit(
        customer_id=world.customer.pk, branch_id=world.cash.branch_id, amount=Decimal(5), method_code="cash",
        cash_date=TODAY, reason=REASON, by=CLERK, now=NOW, on=TODAY,
    )  # fmt: skip
    world.ordinary = moved(world, 33)
    world.opposite = undone(world, moved(world, -44), world.entered)


def days(world: World) -> None:
    """A closed day with two supplements, and a reopened one."""
    world.settled("loose", 20, received=20, on=MONDAY, account=world.loose)
    world.closing = close_day(account_id=world.loose.pk, day=MONDAY, by=CLERK, now=NOW, on=TODAY)
    world.settled("supplement", 7, received=7, on=MONDAY, account=world.loose)
    world.settled("second", 8, received=8, on=MONDAY, account=world.loose)
    reopened = close_day(account_id=world.loose.pk, day=TUESDAY, by=CLERK, now=NOW, on=TODAY)
    reopen_day(account_id=world.loose.pk, day=TUESDAY, reason=REASON, by=CLERK, now=NOW)
    world.reopening = reopened.reopening
    counted_day(world)


def counted_day(world: World) -> None:
    """A day that was closed with 5 reais missing of 30, of which 2 are posted."""
    drawer = world.branch("03", control_on=True)
    world.settled("counted", 30, received=30, on=MONDAY, account=drawer)
    world.counted = close_day(
        account_id=drawer.pk, day=MONDAY, counted={"cash": Decimal(25)}, confirmed=frozenset({COUNT_DIFFERS}),
        by=CLERK, now=NOW, on=TODAY,
    )  # fmt: skip
    world.difference = record_cash_movement(
        account_id=drawer.pk, cash_date=TODAY, amount=Decimal(2), history_code_id=world.left.pk,
        document_type_id=world.slip.pk, difference_of_id=world.counted.pk, by=CLERK, now=NOW, on=TODAY,
    )  # fmt: skip


def tills(world: World) -> None:
    """Operations of every kind and fate, as ingestion leaves them."""
    world.device = Device(branch=world.cash.branch, till="03", install_id="i")
    world.device.save_as(CLERK)
    sessions(world)
    till_receipts(world)
    cash_in_and_out(world)
    operation(world, "op-waiting", "receipt_void", "waiting")
    operation(world, "op-pending", "receipt", "pending")
    operation(world, "op-strange", "sale", "quarantined", reason="unknown_kind")
    world.epoch = DeviceEpoch.objects.create(device=world.device, epoch=1, through_seq=3)


def sessions(world: World) -> None:
    """One session still open, one closed, and a closing whose session nobody knew."""
    for op_id, named in (("op-open-a", "a"), ("op-open-b", "b")):
        operation(world, op_id, "session_open", "applied", body={"session_id": named, "float_cents": 5000})
    world.open_session, world.closed_session = (session(world, named) for named in ("a", "b"))
    operation(world, "op-close-b", "session_close", "applied", body={"session_id": "b", "counted": []})
    close_session(
        session_id=world.closed_session.pk, counted=[(world.method, "cash", Decimal(50))], pending_count=0,
        pending_amount=Decimal(0), by=TILL, at=NOW, now=NOW,
    )  # fmt: skip
    world.late = [late_cash(world, number) for number in (1, 2)]
    landing = land_later(wanted=[(world.cash, TODAY)], by=CLERK)[world.cash.pk, TODAY]
    world.session_difference = post_movement(
        account=world.cash, landing=landing, amount=Decimal(6), history_code=world.left, document_type=world.slip,
        session_difference_of=world.closed_session.closing, by=CLERK, now=NOW,
    )  # fmt: skip
    unknown = operation(world, "op-close-a", "session_close", "applied", body={"session_id": "a", "counted": []})
    Operation.objects.filter(pk=unknown.pk).update(flags=["session_unknown"])


def late_cash(world: World, number: int) -> CashMovement:
    """Put cash into the closed session: a supplement of its closing."""
    op_id = f"op-late-{number}"
    operation(world, op_id, "cash_in", "applied", body={"amount_cents": 300, "session_id": "b"})
    landing = land_later(wanted=[(world.cash, TODAY)], by=TILL)[world.cash.pk, TODAY]
    return post_movement(
        account=world.cash, landing=landing, amount=Decimal(3), history_code=world.entered, document_type=world.slip,
        session=world.closed_session, origin="till", idempotency_key=op_id, by=TILL, now=NOW,
    )  # fmt: skip


def session(world: World, named: str) -> CashSession:
    return open_session(
        idempotency_key=f"{world.device.branch_id}/03/{named}", branch=world.cash.branch, station="03", operator="ana",
        opened_at=NOW, float_amount=Decimal(50), by=TILL,
    )  # fmt: skip


def till_receipts(world: World) -> None:
    applied = operation(world, "op-applied", "receipt", "applied")
    received_at_a_till(world, applied, title=world.title(60), allocated=60)
    review = operation(world, "op-review", "receipt", "review", reason="already_settled")
    received_at_a_till(world, review, credit=CreditDraft(world.customer.pk, Decimal(12)))
    held = operation(world, "op-held", "receipt", "held", reason="unknown_installment")
    received_at_a_till(world, held, credit=CreditDraft(None, Decimal(9)))
    voided = operation(world, "op-voided", "receipt", "applied")
    received_at_a_till(world, voided, title=world.title(40), allocated=40)
    void = operation(world, "op-void", "receipt_void", "review", reason="void_late")
    void_receipt(
        receipt_id=world.receipts["op-voided"].pk, reason="engano", idempotency_key=void.op_id, by=TILL, now=NOW,
        on=TODAY,
    )  # fmt: skip
    operation(world, "op-again", "receipt_void", "review", reason="already_reversed")


def operation(
    world: World, op_id: str, kind: str, state: str, *, reason: str = "", body: dict | None = None
) -> Operation:
    """Store an operation, with its divergence where a person has something to decide."""
    seq = Operation.objects.count() + 1
    said = {"op_id": op_id, "seq": seq, "kind": kind, "v": 1, "occurred_at": NOW.isoformat(), "body": body or {}}
    row = Operation.objects.create(
        op_id=op_id, device=world.device, judged_as=world.device, epoch=1, seq=seq, kind=kind, content_hash="0",
        raw=json.dumps(said), state=state, reason=reason,
    )  # fmt: skip
    OperationArrival.objects.create(device=world.device, epoch=1, seq=seq, operation=row)
    if state in ("review", "held", "quarantined"):
        Divergence(branch=world.device.branch, reason=reason, source=op_id).save_as(TILL)
    return row


def received_at_a_till(
    world: World, operation: Operation, *, title: Title | None = None, allocated: int = 0,
    credit: CreditDraft | None = None,
) -> None:  # fmt: skip
    tender = TenderDraft(
        method=world.method, amount=Decimal(allocated) + (credit.amount if credit else 0), account=world.cash,
        cash_date=TODAY, history_code_id=world.entered.pk, document_type_id=world.slip.pk,
    )  # fmt: skip
    draft = ReceiptDraft(
        branch=world.cash.branch, customer_id=world.customer.pk, received_on=TODAY, tenders=[tender],
        shares=[share(title, allocated)] if title else [], credits=[credit] if credit else [], origin="till",
        number=f"03-{operation.seq:06d}", station="03", session=world.open_session, idempotency_key=operation.op_id,
    )  # fmt: skip
    landings = land_later(wanted=[(world.cash, TODAY)], by=TILL)
    paid = {share.installment.pk: share.installment for share in draft.shares}
    (key,) = post_receipts([draft], installments=paid, landings=landings, by=TILL, now=NOW)
    world.receipts[operation.op_id] = Receipt.objects.get(pk=key)


def share(title: Title, allocated: int) -> ShareDraft:
    installment, zero = title.installments.get(), Decimal(0)
    left = installment.balance - allocated
    after = Standing(balance=left, due_date=DUE, interest_from=DUE, fine_charged=False, carried_charges=zero)
    paid = Allocation(principal=Decimal(allocated), interest=zero, fine=zero, discount=zero)
    return ShareDraft(installment, paid, after, is_late=False)


def cash_in_and_out(world: World) -> None:
    """Cash put in and taken out, and an amount of 0 that moves nothing."""
    for kind, history in (("cash_in", world.entered), ("cash_out", world.left)):
        said = operation(world, f"op-{kind}", kind, "applied", body={"amount_cents": 1100, "session_id": "a"})
        landing = land_later(wanted=[(world.cash, TODAY)], by=TILL)[world.cash.pk, TODAY]
        post_movement(
            account=world.cash, landing=landing, amount=Decimal(11), history_code=history, document_type=world.slip,
            session=world.open_session, origin="till", idempotency_key=said.op_id, by=TILL, now=NOW,
        )  # fmt: skip
    operation(world, "op-nothing", "cash_in", "applied", body={"amount_cents": 0})


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The company's books, made once: each test of this module breaks them within a savepoint of its own."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield a_company_at_work()
        transaction.set_rollback(True)


@pytest.fixture
def world(company: World, db: None) -> Iterator[World]:
    """The same books; what a test breaks in them is never committed nor asked to be sound."""
    yield company
    transaction.set_rollback(True)


def found() -> list[books.Violation]:
    with translation.override("en"):
        return [violation for check in books.ordered_checks() for violation in check.find()]


def test_books_kept_by_the_services_are_clean(world: World) -> None:
    assert found() == []


# Breaking the books


@pytest.fixture
def broken(world: World) -> Iterator[World]:
    """The same books with the guards of the database lifted."""
    run("PRAGMA ignore_check_constraints = ON" if connection.vendor == "sqlite" else "SET CONSTRAINTS ALL IMMEDIATE")
    triggers.drop()
    yield world
    if connection.vendor == "sqlite":
        run("PRAGMA ignore_check_constraints = OFF")


def run(sql: str, values: list | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def change(row: Model, **values: object) -> int:
    """Rewrite columns of a row behind everybody's back, and give its id."""
    lift_constraints(row)
    columns = ", ".join(f"{column} = %s" for column in values)
    run(f"UPDATE {table_of(row)} SET {columns} WHERE {key_of(row)} = %s", [*values.values(), row.pk])
    return row.pk


def remove(row: Model) -> int:
    lift_constraints(row)
    pk = row.pk
    run(f"DELETE FROM {table_of(row)} WHERE {key_of(row)} = %s", [pk])
    return pk


def copy(row: Model, **values: object) -> int:
    """Write a row a second time with other values, and give the new id."""
    lift_constraints(row, unique=True)
    values = {"id": row.pk + 10_000} | values
    columns = [field.column for field in row._meta.concrete_fields]
    picked = ", ".join("%s" if column in values else column for column in columns)
    given = [values[column] for column in columns if column in values]
    table = table_of(row)
    run(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {picked} FROM {table} WHERE id = %s", [*given, row.pk])
    return values["id"]


def table_of(row: Model) -> str:
    return row._meta.db_table


def key_of(row: Model) -> str:
    return row._meta.pk.column


def lift_constraints(row: Model, *, unique: bool = False) -> None:
    """Take every constraint off a table; on SQLite the unique ones go only by writing the table again."""
    table = table_of(row)
    if connection.vendor == "sqlite":
        if unique:
            fields = row._meta.concrete_fields
            named = ", ".join(field.column for field in fields)
            run(f"CREATE TEMPORARY TABLE kept AS SELECT {named} FROM {table}")
            run(f"DROP TABLE {table}")
            typed = ", ".join(f"{field.column} {field.db_type(connection)}" for field in fields)
            run(f"CREATE TABLE {table} ({typed}, PRIMARY KEY (id))")
            run(f"INSERT INTO {table} ({named}) SELECT {named} FROM kept")
            run("DROP TABLE kept")
        return
    run("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint "
            "WHERE (conrelid = %s::regclass AND contype IN ('c', 'u', 'f')) OR (confrelid = %s::regclass)",
            [table, table],
        )
        for owner, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {owner} DROP CONSTRAINT "{name}"')
        cursor.execute(
            "SELECT indexrelid::regclass FROM pg_index "
            "WHERE indrelid = %s::regclass AND indisunique AND NOT indisprimary",
            [table],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {name}")


Corruption = Callable[[World], dict[str, int]]
CORRUPTIONS: list = []


def bites(number: str, message: str) -> Callable[[Corruption], Corruption]:
    """Expect the corruption to be found by that check, in these words, with the ids that it gives."""

    def collect(corrupt: Corruption) -> Corruption:
        CORRUPTIONS.append(pytest.param(number, message, corrupt, id=f"{number}-{corrupt.__name__}"))
        return corrupt

    return collect


# B1


@bites("B1", "receipts bear the operation op-applied")
def an_operation_posted_twice(world: World) -> dict[str, int]:
    copy(world.receipts["op-applied"])
    return {"receipt": world.receipts["op-applied"].pk}


@bites("B1", "Operation op-pending is applied and has no receipt")
def a_receipt_operation_applied_without_its_receipt(world: World) -> dict[str, int]:
    return {"operation": change(said("op-pending"), state="applied")}


@bites("B1", "no receipt operation of a till brought it")
def a_receipt_of_a_till_without_its_operation(world: World) -> dict[str, int]:
    remove(said("op-review"))
    return {"receipt": world.receipts["op-review"].pk}


def said(op_id: str) -> Operation:
    return Operation.objects.get(op_id=op_id)


# B2


@bites("B2", "its tenders add up to R$ 100,01")
def a_tender_of_a_cent_more(world: World) -> dict[str, int]:
    change(world.receipts["settled"].tenders.get(), amount="100.01")
    return {"receipt": world.receipts["settled"].pk}


@bites("B2", "R$ 101,00 is allocated")
def an_allocation_with_more_interest(world: World) -> dict[str, int]:
    change(world.receipts["settled"].allocations.first(), interest="1.00")
    return {"receipt": world.receipts["settled"].pk}


@bites("B2", "R$ 0,00 is allocated and R$ 12,50 is credit")
def a_credit_that_grew(world: World) -> dict[str, int]:
    change(world.receipts["op-review"].credits.get(), amount="12.50")
    return {"receipt": world.receipts["op-review"].pk}


@bites("B2", "R$ 0,00 is credit or in suspense")
def suspense_that_vanished(world: World) -> dict[str, int]:
    remove(world.receipts["op-held"].credits.get())
    return {"receipt": world.receipts["op-held"].pk}


@bites("B2", "R$ 0,00 is credit or in suspense")
def an_original_grant_dressed_as_a_later_one(world: World) -> dict[str, int]:
    change(world.receipts["op-held"].credits.get(), source_id=world.refund.pk)
    return {"receipt": world.receipts["op-held"].pk}


# B3


@bites("B3", "impossible balance of R$ -1,00")
def a_negative_balance(world: World) -> dict[str, int]:
    return {"installment": change(only(world, "open"), balance=-1)}


@bites("B3", "impossible balance of R$ 300,01")
def a_balance_above_the_amount(world: World) -> dict[str, int]:
    return {"installment": change(only(world, "open"), balance="300.01")}


@bites("B3", "its amount less its live allocations is R$ 60,00")
def a_balance_that_forgets_a_receipt(world: World) -> dict[str, int]:
    return {"installment": change(only(world, "part"), balance=61)}


@bites("B3", "its amount less its live allocations is R$ 55,00")
def a_discount_that_the_balance_does_not_know(world: World) -> dict[str, int]:
    change(world.receipts["part"].allocations.get(), discount=5)
    return {"installment": only(world, "part").pk}


@bites("B3", "its amount less its live allocations is R$ 0,00")
def a_reversal_without_its_line(world: World) -> dict[str, int]:
    remove(world.reversal_of("reversed").lines.get())
    return {"installment": only(world, "reversed").pk}


@bites("B3", "is settled with a balance of R$ 300,00")
def a_settled_installment_with_a_balance(world: World) -> dict[str, int]:
    return {"installment": change(only(world, "open"), status="settled")}


@bites("B3", "is partially_settled with a balance of R$ 0,00")
def an_open_installment_without_a_balance(world: World) -> dict[str, int]:
    return {"installment": change(only(world, "settled"), status="partially_settled")}


@bites("B3", "its installments add up to R$ 300,00")
def a_title_that_is_not_its_installments(world: World) -> dict[str, int]:
    return {"title": change(world.titles["open"], amount="300.10")}


@bites("B3", "shows R$ 39,99 received")
def a_title_that_forgets_a_cent(world: World) -> dict[str, int]:
    return {"title": change(world.titles["part"], received_amount="39.99")}


@bites("B3", "not its own")
def an_allocation_under_another_title(world: World) -> dict[str, int]:
    allocation = world.receipts["part"].allocations.get()
    change(allocation, title_id=world.titles["open"].pk)
    return {
        "receipt_allocation": allocation.pk, "installment": allocation.installment_id, "title": world.titles["open"].pk
    }  # fmt: skip


def only(world: World, name: str):
    """The first installment of a title."""
    return world.titles[name].installments.first()


# B4


@bites("B4", "is pending; its installments make it settled")
def a_settled_title_called_pending(world: World) -> dict[str, int]:
    return {"title": change(world.titles["settled"], status="pending")}


@bites("B4", "is settled; its installments make it partially_settled")
def a_part_paid_title_called_settled(world: World) -> dict[str, int]:
    return {"title": change(world.titles["part"], status="settled")}


@bites("B4", "is partially_settled; its installments make it pending")
def an_unpaid_title_called_part_paid(world: World) -> dict[str, int]:
    return {"title": change(world.titles["open"], status="partially_settled")}


@bites("B4", "has no installment")
def a_title_without_installments(world: World) -> dict[str, int]:
    remove(only(world, "open"))
    return {"title": world.titles["open"].pk}


@bites("B4", "is settled and its receipt date is —")
def a_settled_title_without_its_date(world: World) -> dict[str, int]:
    return {"title": change(world.titles["settled"], received_on=None)}


@bites("B4", "is partially_settled and its receipt date is 2026-11-20")
def an_open_title_with_a_receipt_date(world: World) -> dict[str, int]:
    return {"title": change(world.titles["part"], received_on=TODAY)}


@bites("B4", "is cancelled and allocation")
def a_cancelled_title_that_was_paid(world: World) -> dict[str, int]:
    title, allocation = world.titles["cancelled"], world.receipts["part"].allocations.get()
    change(allocation, title_id=title.pk, installment_id=only(world, "cancelled").pk)
    return {"title": title.pk, "receipt_allocation": allocation.pk}


@bites("B4", "is pending and has 1 live allocations")
def a_paid_installment_called_pending(world: World) -> dict[str, int]:
    return {"installment": change(only(world, "part"), status="pending")}


@bites("B4", "is partially_settled and has 0 live allocations")
def an_unpaid_installment_called_part_paid(world: World) -> dict[str, int]:
    return {"installment": change(only(world, "open"), status="partially_settled")}


# B5


@bites("B5", "its cash movements add up to R$ 99,99")
def a_receipt_short_of_a_cent_in_cash(world: World) -> dict[str, int]:
    change(world.movement_of("settled"), amount="99.99")
    return {"receipt": world.receipts["settled"].pk}


@bites("B5", "its cash movements add up to R$ 0,00")
def a_receipt_without_its_movement(world: World) -> dict[str, int]:
    remove(world.movement_of("settled"))
    return {"receipt": world.receipts["settled"].pk}


@bites("B5", "is posted and has 1 opposite movements")
def a_reversed_movement_called_posted(world: World) -> dict[str, int]:
    return {"cash_movement": change(world.movement_of("reversed"), status="posted")}


@bites("B5", "is reversed and has 0 opposite movements")
def a_movement_reversed_by_nothing(world: World) -> dict[str, int]:
    return {"cash_movement": change(world.ordinary, status="reversed")}


@bites("B5", "is reversed and has 2 opposite movements")
def a_movement_reversed_twice(world: World) -> dict[str, int]:
    copy(world.opposite)
    return {"cash_movement": world.opposite.reverses_id}


@bites("B5", "does not mirror")
def an_opposite_of_another_amount(world: World) -> dict[str, int]:
    return {"cash_movement": change(world.opposite, amount="44.01"), "original": world.opposite.reverses_id}


@bites("B5", "does not mirror")
def an_opposite_in_another_account(world: World) -> dict[str, int]:
    return {
        "cash_movement": change(world.opposite, account_id=world.loose.pk), "original": world.opposite.reverses_id
    }  # fmt: skip


@bites("B5", "(opposite) is of R$ 81,00; opposite movements and records of the closed cash explain R$ 80,00")
def a_reversal_of_more_than_left_the_cash(world: World) -> dict[str, int]:
    return {"reversal": change(world.reversal_of("reversed"), amount=81)}


@bites("B5", "(void) is of R$ 40,00; opposite movements and records of the closed cash explain R$ 0,00")
def a_void_that_took_nothing_out(world: World) -> dict[str, int]:
    change(world.receipts["op-voided"].movements.get(amount__lt=0), reversal_id=None)
    return {"reversal": world.reversal_of("op-voided").pk}


@bites("B5", "(closed_no_debit) has 0 records")
def a_reversal_without_its_record(world: World) -> dict[str, int]:
    remove(world.record_of("undebited"))
    return {"reversal": world.reversal_of("undebited").pk}


@bites("B5", "(closed_debit) has 1 records of the closed cash, 0 with a debit")
def a_closed_debit_without_a_debit(world: World) -> dict[str, int]:
    change(world.record_of("debited"), first_debit_amount=0, known_difference=100)
    return {"reversal": world.reversal_of("debited").pk}


@bites("B5", "(closed_no_debit) has 1 records of the closed cash, 1 with a debit")
def a_reversal_without_debit_that_has_one(world: World) -> dict[str, int]:
    change(world.record_of("undebited"), first_debit_amount=70, known_difference=0)
    return {"reversal": world.reversal_of("undebited").pk}


@bites("B5", "(opposite) has 1 records of the closed cash")
def an_ordinary_reversal_with_a_record(world: World) -> dict[str, int]:
    return {"reversal": change(world.reversal_of("undebited"), kind="opposite")}


@bites("B5", "states a first debit of R$ 90,00; the account shows R$ 91,00")
def a_first_debit_of_another_amount(world: World) -> dict[str, int]:
    change(world.record_of("debited").first_debit, amount=-91)
    return {"closed_cash_reversal": world.record_of("debited").pk}


@bites("B5", "states a first debit of R$ 90,00; the account shows R$ 0,00")
def a_first_debit_in_another_account(world: World) -> dict[str, int]:
    change(world.record_of("debited").first_debit, account_id=world.loose.pk)
    return {"closed_cash_reversal": world.record_of("debited").pk}


# B6


@bites("B6", "is cancelled and its newest history row says pending")
def a_title_cancelled_behind_the_history(world: World) -> dict[str, int]:
    return {"title": change(world.titles["open"], status="cancelled")}


@bites("B6", "is revoked and its newest history row says active")
def a_device_revoked_behind_the_history(world: World) -> dict[str, int]:
    return {"device": change(world.device, state="revoked")}


@bites("B6", "is open and its newest history row says —")
def a_session_without_any_history(world: World) -> dict[str, int]:
    remove(world.open_session.history.get())
    return {"cash_session": world.open_session.pk}


@bites("B6", "is not its creation")
def a_movement_whose_creation_is_not_told(world: World) -> dict[str, int]:
    movement = world.movement_of("reversed")
    remove(movement.history.earliest("history_id"))
    return {"cash_movement": movement.pk, "history": movement.history.earliest("history_id").pk}


@bites("B6", "from pending to settled lacks its actor or channel")
def a_change_without_an_actor(world: World) -> dict[str, int]:
    title = world.titles["settled"]
    return {"title": title.pk, "history": change(title.history.latest("history_id"), actor="")}


@bites("B6", "from pending to settled lacks its actor or channel")
def a_change_without_a_channel(world: World) -> dict[str, int]:
    title = world.titles["settled"]
    return {"title": title.pk, "history": change(title.history.latest("history_id"), channel="")}


@bites("B6", "from — to issued lacks its actor or channel")
def a_creation_without_an_actor(world: World) -> dict[str, int]:
    slip = only(world, "open").bank_slips.get()
    return {"bank_slip": slip.pk, "history": change(slip.history.get(), actor="")}


@bites("B6", "is in the history and not among the rows")
def a_divergence_that_vanished(world: World) -> dict[str, int]:
    return {"divergence": remove(Divergence.objects.get(source="op-strange"))}


# B7


@bites("B7", "is open and has 1 closings that were not reopened")
def a_closed_day_called_open(world: World) -> dict[str, int]:
    return {"cash_day": change(world.closing.cash_day, status="open")}


@bites("B7", "is open and has 1 closings that were not reopened")
def a_day_reopened_without_its_reopening(world: World) -> dict[str, int]:
    remove(world.reopening)
    return {"cash_day": world.reopening.closing.cash_day_id}


@bites("B7", "is closed and has 0 closings that were not reopened")
def a_closed_day_without_its_closing(world: World) -> dict[str, int]:
    remove(world.closing)
    return {"cash_day": world.closing.cash_day_id}


@bites("B7", "it was closed with R$ 20,00 and has R$ 15,00 of supplements")
def a_movement_slipped_into_a_closed_day(world: World) -> dict[str, int]:
    change(world.movement_of("loose"), amount=25)
    return {"cash_day": world.closing.cash_day_id, "cash_day_closing": world.closing.pk}


@bites("B7", "moves R$ 35,00; it was closed with R$ 20,00 and has R$ 7,00 of supplements")
def a_supplement_that_is_none_any_more(world: World) -> dict[str, int]:
    change(world.movement_of("second"), supplement_of_id=None, supplement_number=None)
    return {"cash_day": world.closing.cash_day_id, "cash_day_closing": world.closing.pk}


@bites("B7", "states R$ 20,00, which its credits and debits do not make")
def a_closing_that_does_not_add_up(world: World) -> dict[str, int]:
    return {"cash_day_closing": change(world.closing, credits=19)}


@bites("B7", "has 2 supplements, numbered 1 to 3")
def supplements_with_a_gap(world: World) -> dict[str, int]:
    change(world.movement_of("second"), supplement_number=3)
    return {"cash_day_closing": world.closing.pk}


@bites("B7", "has 2 supplements, numbered 0 to 2")
def supplements_that_start_at_nought(world: World) -> dict[str, int]:
    change(world.movement_of("supplement"), supplement_number=0)
    return {"cash_day_closing": world.closing.pk}


@bites("B7", "has 3 supplements, numbered 1 to 2")
def two_supplements_of_one_number(world: World) -> dict[str, int]:
    copy(world.movement_of("second"))
    return {"cash_day_closing": world.closing.pk}


@bites("B7", "which is of another account or day")
def a_supplement_booked_on_another_day(world: World) -> dict[str, int]:
    return {
        "cash_movement": change(world.movement_of("second"), cash_date=TUESDAY), "cash_day_closing": world.closing.pk
    }  # fmt: skip


@bites("B7", "is open and has 1 closings")
def a_closed_session_called_open(world: World) -> dict[str, int]:
    return {"cash_session": change(world.closed_session, status="open")}


@bites("B7", "is closed and has 0 closings")
def a_session_closed_without_its_closing(world: World) -> dict[str, int]:
    return {"cash_session": change(world.open_session, status="closed")}


@bites("B7", "expects R$ 30,00 and counted R$ 26,00; its lines make R$ 30,00 and R$ 25,00")
def a_count_that_its_lines_do_not_make(world: World) -> dict[str, int]:
    return {"cash_day_count": change(world.counted.count, counted_amount=26)}


@bites("B7", "expects R$ 29,00 and counted R$ 25,00")
def a_count_that_expected_another_day(world: World) -> dict[str, int]:
    change(world.counted.count.lines.get(), expected_amount=29)
    return {"cash_day_count": change(world.counted.count, expected_amount=29), "cash_day_closing": world.counted.pk}


@bites("B7", "with R$ 24,00 counted")
def a_closing_that_forgot_its_count(world: World) -> dict[str, int]:
    return {"cash_day_closing": change(world.counted, counted_amount=24)}


@bites("B7", "R$ -6,00 is posted of the difference")
def more_posted_than_was_missing(world: World) -> dict[str, int]:
    change(world.difference, amount=-6)
    return {"cash_day": world.counted.cash_day_id}


@bites("B7", "R$ 1,00 is posted of the difference")
def a_difference_posted_the_wrong_way(world: World) -> dict[str, int]:
    change(world.difference, amount=1)
    return {"cash_day": world.counted.cash_day_id}


@bites("B7", "has 2 supplements, numbered 1 to 3")
def supplements_of_a_session_with_a_gap(world: World) -> dict[str, int]:
    change(world.late[1], session_supplement_number=3)
    return {"cash_session_closing": world.closed_session.closing.pk}


@bites("B7", "in the session itself or in an account of another branch")
def a_sessions_difference_in_another_branch(world: World) -> dict[str, int]:
    change(world.session_difference, account_id=world.counted.cash_day.account_id)
    return {
        "cash_movement": world.session_difference.pk, "cash_session_closing": world.closed_session.closing.pk
    }  # fmt: skip


@bites("B7", "is posted 2 times in account")
def a_sessions_difference_posted_twice(world: World) -> dict[str, int]:
    copy(world.session_difference)
    return {"cash_session_closing": world.closed_session.closing.pk, "ledger_account": world.cash.pk}


@bites("B7", "which is of another session")
def a_supplement_of_another_session(world: World) -> dict[str, int]:
    return {"cash_movement": change(world.late[1], session_id=world.open_session.pk)}


@bites("B7", "expected R$ 50,00; its float and the movements that are no supplement make R$ 53,00")
def a_late_movement_that_is_no_supplement(world: World) -> dict[str, int]:
    change(world.late[1], session_supplement_of_id=None, session_supplement_number=None)
    return {"cash_session": world.closed_session.pk}


# B8


@bites("B8", "is quarantined, and yet something is in the ledger")
def a_quarantined_operation_with_a_receipt(world: World) -> dict[str, int]:
    return {
        "operation": change(said("op-applied"), state="quarantined"), "receipt": world.receipts["op-applied"].pk
    }  # fmt: skip


@bites("B8", "is waiting, and yet something is in the ledger")
def a_waiting_void_with_a_reversal(world: World) -> dict[str, int]:
    return {
        "operation": change(said("op-void"), state="waiting"), "reversal": world.reversal_of("op-voided").pk
    }  # fmt: skip


@bites("B8", "is pending, and yet something is in the ledger")
def pending_cash_with_a_movement(world: World) -> dict[str, int]:
    return {
        "operation": change(said("op-cash_in"), state="pending"), "cash_movement": moved_by("op-cash_in").pk
    }  # fmt: skip


def moved_by(op_id: str) -> CashMovement:
    return CashMovement.objects.get(idempotency_key=op_id)


@bites("B8", "is review and has voided nothing")
def a_void_without_its_reversal(world: World) -> dict[str, int]:
    change(world.reversal_of("op-voided"), idempotency_key=None)
    return {"operation": said("op-void").pk}


@bites("B8", "is review and has voided nothing")
def a_void_that_claims_an_effect(world: World) -> dict[str, int]:
    return {"operation": change(said("op-again"), reason="void_late")}


@bites("B8", "is applied, of the unknown kind sale")
def an_unknown_kind_applied(world: World) -> dict[str, int]:
    return {"operation": change(said("op-strange"), state="applied")}


@bites("B8", "op-cash_out is applied and has moved no cash")
def cash_taken_out_without_a_movement(world: World) -> dict[str, int]:
    remove(moved_by("op-cash_out"))
    return {"operation": said("op-cash_out").pk}


@bites("B8", "its session was never opened")
def an_opening_without_its_session(world: World) -> dict[str, int]:
    remove(world.open_session)
    return {"operation": said("op-open-a").pk}


@bites("B8", "its session is still open")
def a_closing_that_closed_nothing(world: World) -> dict[str, int]:
    change(world.closed_session, status="open")
    return {"operation": said("op-close-b").pk}


@bites("B8", "no void of a till brought it")
def a_void_without_its_operation(world: World) -> dict[str, int]:
    remove(said("op-void"))
    return {"reversal": world.reversal_of("op-voided").pk}


@bites("B8", "no cash operation brought it")
def cash_of_a_till_without_its_operation(world: World) -> dict[str, int]:
    remove(said("op-cash_in"))
    return {"cash_movement": moved_by("op-cash_in").pk}


@bites("B8", "is held (unknown_installment) and not among the open divergences")
def a_held_operation_that_nobody_is_asked_about(world: World) -> dict[str, int]:
    remove(Divergence.objects.get(source="op-held"))
    return {"operation": said("op-held").pk}


@bites("B8", "is resolved, and no divergence tells who resolved it")
def an_operation_that_nobody_resolved(world: World) -> dict[str, int]:
    Operation.objects.filter(op_id="op-held").update(state="resolved")
    return {"operation": said("op-held").pk}


@bites("B8", "brought an operation that is not in the inbox")
def an_operation_that_vanished(world: World) -> dict[str, int]:
    arrival = said("op-pending").arrivals.get()
    remove(said("op-pending"))
    return {"operation_arrival": arrival.pk, "device": world.device.pk}


@bites("B8", "was told that all came up to seq 3; 2 of these seqs arrived")
def a_seq_that_was_counted_and_never_came(world: World) -> dict[str, int]:
    remove(OperationArrival.objects.get(seq=2))
    return {"device_epoch": world.epoch.pk, "device": world.device.pk}


# B9


@bites("B9", "R$ 107,00 is neither live receipt money nor an ordinary movement; the open known differences are R$ 74")
def an_ordinary_movement_called_reversed(world: World) -> dict[str, int]:
    change(world.ordinary, status="reversed")
    return {"account": world.cash.pk}


@bites("B9", "R$ 73,00 is neither live receipt money nor an ordinary movement; the open known differences are R$ 74,00")
def a_first_debit_that_grew(world: World) -> dict[str, int]:
    change(world.record_of("debited").first_debit, amount=-91)
    return {"account": world.cash.pk}


@bites("B9", "R$ 80,00 is neither live receipt money nor an ordinary movement; the open known differences are R$ 74,00")
def a_clearing_in_another_account(world: World) -> dict[str, int]:
    change(world.clearing, account_id=world.loose.pk)
    return {"account": world.cash.pk}


@bites("B9", "is reversed, or something else besides")
def a_first_debit_called_reversed(world: World) -> dict[str, int]:
    return {"cash_movement": change(world.record_of("debited").first_debit, status="reversed")}


@bites("B9", "states R$ 101,00 settled; the reversed share is R$ 100,00")
def a_record_of_more_than_was_settled(world: World) -> dict[str, int]:
    return {"closed_cash_reversal": change(world.record_of("debited"), settled_amount=101, known_difference=11)}


@bites("B9", "states a known difference of R$ 9,00; settled amount less first debit is R$ 10,00")
def a_known_difference_that_shrank(world: World) -> dict[str, int]:
    return {"closed_cash_reversal": change(world.record_of("debited"), known_difference=9)}


@bites("B9", "has R$ 0,00 of live cash")
def cash_of_another_title(world: World) -> dict[str, int]:
    change(world.movement_of("settled"), title_id=world.titles["open"].pk)
    return {"receipt": world.receipts["settled"].pk, "title": world.titles["settled"].pk}


@bites("B9", "has R$ 80,00 of live cash")
def reversed_money_that_is_still_in_the_cash(world: World) -> dict[str, int]:
    change(world.movement_of("reversed"), status="posted")
    return {"receipt": world.receipts["reversed"].pk, "title": world.titles["reversed"].pk}


@bites("B9", "posted clearings leave R$ -1,00 of it")
def a_clearing_that_cleared_more_than_there_was(world: World) -> dict[str, int]:
    change(world.clearing, amount=-11)
    return {"closed_cash_reversal": world.record_of("debited").pk}


# B10


@bites("B10", "would hold version 1 of installment")
def a_change_that_the_feed_does_not_know(world: World) -> dict[str, int]:
    build(world.device.branch, page_size=500, why="daily", now=timezone.now())
    rows = Installment.objects.open().filter(title__collecting_branch=world.device.branch, version=1)
    row = rows.earliest("due_date")
    return {"installment": change(row, version=7), "branch": world.device.branch_id}


# B11


@bites("B11", "has spent R$ 968,00 more than was granted")
def a_refund_beyond_the_credit(world: World) -> dict[str, int]:
    change(world.refund, amount=1000)
    return {"customer": world.customer.pk}


@bites("B11", "has left the suspense of branch")
def suspense_that_left_twice(world: World) -> dict[str, int]:
    copy(world.receipts["op-held"].credits.get(), kind="refunded", amount=10)
    return {"branch": world.cash.branch_id}


@bites("B11", "was identified; R$ 0,00 was granted to its owner")
def suspense_that_nobody_got(world: World) -> dict[str, int]:
    held = world.receipts["op-held"].credits.get()
    copy(held, kind="identified", amount=10, source_id=held.pk)
    return {"customer_credit": held.pk}


@bites("B11", "R$ 31,00 was spent and R$ 0,00 granted again")
def more_spent_than_its_source_granted(world: World) -> dict[str, int]:
    grant = world.receipts["excess"].credits.get()
    copy(world.refund, source_id=grant.pk, amount=31, movement_id=None)
    return {"customer_credit": grant.pk}


@bites("B11", "R$ 0,00 was spent and R$ 11,00 granted again")
def more_given_back_than_was_used(world: World) -> dict[str, int]:
    back = CustomerCredit.objects.get(source__kind="used")
    change(back, amount=11)
    return {"customer_credit": back.source_id}


@bites("B11", "(posted) moved R$ -6,00")
def a_refund_of_another_amount_than_left_the_cash(world: World) -> dict[str, int]:
    change(world.refund.movement, amount=-6)
    return {"customer_credit": world.refund.pk, "cash_movement": world.refund.movement_id}


@bites("B11", "(reversed) moved R$ -5,00")
def a_refund_whose_movement_was_reversed(world: World) -> dict[str, int]:
    change(world.refund.movement, status="reversed")
    return {"customer_credit": world.refund.pk, "cash_movement": world.refund.movement_id}


@pytest.mark.parametrize(("number", "message", "corrupt"), CORRUPTIONS)
def test_a_corruption_is_found_with_its_rows(broken: World, number: str, message: str, corrupt: Corruption) -> None:
    ids = {f"{noun}_id": pk for noun, pk in corrupt(broken).items()}
    told = [violation for violation in found() if violation.number == number and message in violation.message]
    assert any(ids.items() <= violation.ids.items() for violation in told), told


def test_every_check_has_a_corruption_that_it_finds() -> None:
    assert {param.values[0] for param in CORRUPTIONS} == {check.number for check in books.CHECKS}


def test_the_fold_of_the_checks_is_the_fold_of_the_domain(broken: World) -> None:
    title = broken.titles["settled"]
    parts = list(title.installments.all())
    lines = [broken.receipts["settled"].allocations.get(installment=part) for part in parts]
    elsewhere = only(broken, "open")
    change(title, status="unheard of")
    for standings in product(product(InstallmentStatus.values, (True, False)), repeat=2):
        for part, line, (status, live) in zip(parts, lines, standings, strict=True):
            change(part, status=status)
            change(line, installment_id=part.pk if live else elsewhere.pk)
        with translation.override("en"):
            messages = [violation.message for violation in books.titles_fold()]
        folded = fold.title_status(standings)
        assert f"Title {title.pk} is unheard of; its installments make it {folded}." in messages, standings


# The command


def test_clean_books_exit_with_0_and_say_so_in_json(world: World) -> None:
    assert json.loads(told("--json")) == {"violations": []}


def test_broken_books_exit_with_1_and_name_number_message_and_ids(broken: World) -> None:
    pk = change(broken.titles["part"], received_amount="39.99")
    out = StringIO()
    with pytest.raises(SystemExit) as exit_, translation.override("en"):
        call_command("check_books", "--json", stdout=out)
    assert exit_.value.code == 1
    assert json.loads(out.getvalue()) == {
        "violations": [
            {
                "number": "B3",
                "message": f"Title {pk} shows R$ 39,99 received; its live allocations are of R$ 40,00.",
                "ids": {"title_id": pk},
            }
        ]
    }


def test_the_report_names_each_check_that_ran(world: World) -> None:
    report = told()
    assert [line.split()[0] for line in report.splitlines() if line.startswith("B")] == [
        "B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11"
    ]  # fmt: skip


def test_the_report_lists_what_is_wrong_under_its_check(broken: World) -> None:
    pk = change(broken.titles["part"], received_amount="39.99")
    out = StringIO()
    with pytest.raises(SystemExit), translation.override("en"):
        call_command("check_books", stdout=out, no_color=True)
    lines = out.getvalue().splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith("B3"))
    assert "1 violation" in lines[at]
    assert lines[at + 1].strip().endswith(f"[title_id={pk}]")


def test_a_long_report_is_cut_and_says_by_how_much(broken: World) -> None:
    lift_constraints(only(broken, "open"))
    run("UPDATE receivables_installment SET amount = amount + 5000")
    out = StringIO()
    with pytest.raises(SystemExit), translation.override("en"):
        call_command("check_books", stdout=out, no_color=True)
    more = sum(violation.number == "B3" for violation in found()) - SHOWN_OF_EACH
    assert more > 0
    assert f"and {more} more: --json lists all" in out.getvalue()


def told(*options: str) -> str:
    out = StringIO()
    with translation.override("en"):
        call_command("check_books", *options, stdout=out, no_color=True)
    return out.getvalue()


def test_the_number_of_statements_does_not_grow_with_the_ledger(
    world: World, django_assert_max_num_queries: Callable
) -> None:
    with CaptureQueriesContext(connection) as before:
        found()
    for _ in range(5):
        world.settled("more", 10, 20, received=30)
    with django_assert_max_num_queries(len(before)):
        found()
