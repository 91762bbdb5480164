"""`check_books`: a ledger made by the services is clean, and each corruption is found by the check that owns it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from itertools import product

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from pos_sync.models import Device, Operation, OperationArrival, TillPolicy
from receivables import books
from receivables.domain import fold
from receivables.domain.allocation import Allocation
from receivables.domain.charges import Standing
from receivables.domain.reversal import ClosedCashOption
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    CashDay,
    CashMovement,
    CashSession,
    ClosedCashReversal,
    Customer,
    Divergence,
    DocumentType,
    HistoryCode,
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
from receivables.services.cash_day import close_day, land_later, reopen_day
from receivables.services.cash_movement import post_movement, record_cash_movement, reverse_cash_movement
from receivables.services.cash_session import close_session, open_session
from receivables.services.credit import refund_credit, use_credit
from receivables.services.posting import CreditDraft, ReceiptDraft, ShareDraft, TenderDraft, post_receipts
from receivables.services.reversal import ClosedCash, Debit, reverse_share, reverse_title, void_receipt
from receivables.services.settlement import Deposit, settle_installment, settle_title
from receivables.services.title import Part, cancel_title, issue_title

pytestmark = pytest.mark.django_db

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
    days_and_sessions(world)
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
    return reverse_cash_movement(
        movement_id=movement.pk, history_code_id=history.pk, reason=REASON, by=CLERK, now=NOW
    )


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
        cash_date=TODAY, reason=REASON, by=CLERK, now=NOW,
    )  # fmt: skip
    world.ordinary = moved(world, 33)
    world.opposite = undone(world, moved(world, -44), world.entered)


def days_and_sessions(world: World) -> None:
    """A closed day with two supplements, a reopened day, an open and a closed session."""
    world.settled("loose", 20, received=20, on=MONDAY, account=world.loose)
    world.closing = close_day(account_id=world.loose.pk, day=MONDAY, by=CLERK, now=NOW, on=TODAY)
    world.settled("supplement", 7, received=7, on=MONDAY, account=world.loose)
    world.settled("second", 8, received=8, on=MONDAY, account=world.loose)
    close_day(account_id=world.loose.pk, day=TUESDAY, by=CLERK, now=NOW, on=TODAY)
    reopen_day(account_id=world.loose.pk, day=TUESDAY, reason=REASON, by=CLERK, now=NOW)
    world.open_session, world.closed_session = (session(world, key) for key in ("a", "b"))
    close_session(
        session_id=world.closed_session.pk, counted=[(world.method, "cash", Decimal(50))], pending_count=0,
        pending_amount=Decimal(0), by=TILL, at=NOW, now=NOW,
    )  # fmt: skip


def session(world: World, key: str) -> CashSession:
    return open_session(
        idempotency_key=f"session-{key}", branch=world.cash.branch, station="03", operator="ana", opened_at=NOW,
        float_amount=Decimal(50), by=TILL,
    )  # fmt: skip


def tills(world: World) -> None:
    """Operations of every fate: applied, in review, held, voided, waiting, quarantined."""
    world.device = Device(branch=world.cash.branch, till="03", install_id="i")
    world.device.save_as(CLERK)
    TillPolicy(parameter_set=world.cash.branch.parameter_set).save_as(CLERK)
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
    cash_in_and_out(world)
    operation(world, "op-waiting", "receipt_void", "waiting")
    operation(world, "op-pending", "receipt", "pending")
    operation(world, "op-strange", "sale", "quarantined", reason="unknown_kind")


def operation(world: World, op_id: str, kind: str, state: str, *, reason: str = "") -> Operation:
    """Store an operation as ingestion leaves it, with its divergence where a person has something to decide."""
    seq = Operation.objects.count() + 1
    row = Operation.objects.create(
        op_id=op_id, device=world.device, epoch=1, seq=seq, kind=kind, content_hash="0", raw="{}", state=state,
        reason=reason,
    )  # fmt: skip
    OperationArrival.objects.create(device=world.device, epoch=1, seq=seq, operation=row)
    if state in ("review", "held", "quarantined"):
        Divergence(branch=world.device.branch, reason=reason, source=op_id).save_as(TILL)
    return row


def received_at_a_till(
    world: World, operation: Operation, *, title: Title | None = None, allocated: int = 0,
    credit: CreditDraft | None = None,
) -> None:  # fmt: skip
    shares = []
    if title is not None:
        installment = title.installments.get()
        after = Standing(
            balance=installment.balance - allocated, due_date=DUE, interest_from=DUE, fine_charged=False,
            carried_charges=Decimal(0),
        )  # fmt: skip
        zero = Decimal(0)
        paid = Allocation(principal=Decimal(allocated), interest=zero, fine=zero, discount=zero)
        shares = [ShareDraft(installment, paid, after, is_late=False)]
    tender = TenderDraft(
        method=world.method, amount=Decimal(allocated) + (credit.amount if credit else 0), account=world.cash,
        cash_date=TODAY, history_code=world.entered, document_type=world.slip,
    )  # fmt: skip
    draft = ReceiptDraft(
        branch=world.cash.branch, customer_id=world.customer.pk, received_on=TODAY, tenders=[tender], shares=shares,
        credits=[credit] if credit else [], origin="till", number=f"03-{operation.seq:06d}", station="03",
        session=world.open_session, idempotency_key=operation.op_id,
    )  # fmt: skip
    landings = land_later(wanted=[(world.cash, TODAY)], by=TILL)
    world.receipts[operation.op_id] = post_receipts([draft], landings=landings, by=TILL, now=NOW)[0]


def cash_in_and_out(world: World) -> None:
    for kind, history in (("cash_in", world.entered), ("cash_out", world.left)):
        said = operation(world, f"op-{kind}", kind, "applied")
        landing = land_later(wanted=[(world.cash, TODAY)], by=TILL)[world.cash.pk, TODAY]
        post_movement(
            account=world.cash, landing=landing, amount=Decimal(11), history_code=history, document_type=world.slip,
            session=world.open_session, origin="till", idempotency_key=said.op_id, by=TILL, now=NOW,
        )  # fmt: skip


@pytest.fixture
def world() -> World:
    return a_company_at_work()


def found() -> list[books.Violation]:
    return [violation for check in books.ordered_checks() for violation in check.find()]


def test_books_without_a_single_row_are_clean() -> None:
    assert found() == []


def test_books_kept_by_the_services_are_clean(world: World) -> None:
    assert found() == []
