"""The laws that cannot be talked round: triggers, constraints, and the writes that the models refuse.

Where a test must see the database refuse, it writes raw SQL: nothing of the application stands in between.
"""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from pos_sync.models import Device, Operation, OperationConflict, RawBatch, TillOperator, TillPolicy
from receivables.domain.reversal import ClosedCashOption
from receivables.models import (
    SYSTEM,
    AccessEvent,
    AuditBypassed,
    BankCollectionReissue,
    BankSlip,
    BranchPaymentMethod,
    CashDay,
    CashDayCount,
    CashDayCountLine,
    CashMovement,
    City,
    ClosedCashReversal,
    Customer,
    CustomerCredit,
    Divergence,
    ExportedList,
    HistoryCode,
    Holiday,
    Installment,
    ParameterSet,
    PaymentMethod,
    Product,
    Receipt,
    ReceiptAllocation,
    ReceiptTender,
    Reversal,
    Terms,
    Title,
    triggers,
)
from receivables.models.audited import AppendOnlyModel, AuditedModel, AuditRow
from receivables.services.cash_day import close_day, land_later, reopen_day
from receivables.services.cash_day_count import expected_of
from receivables.services.cash_movement import post_movement
from receivables.services.cash_session import close_session, open_session
from receivables.services.credit import refund_credit, use_credit
from receivables.services.exported_list import record_export
from receivables.services.known_difference import assign_difference
from receivables.services.people import deactivate_person
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import ClosedCash, reverse_title, void_receipt
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_parameter_set,
    make_title,
    make_user,
)
from tests.services.test_reversal import debit
from tests.services.test_session_difference import post
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)
ON_POSTGRESQL = "postgresql"


@pytest.fixture
def books():
    """Books with a row of every kind that is guarded."""
    deactivate_person(user_id=make_user().pk, reason=REASON, by=CASHIER)
    make_parameter_set(is_default=True)
    branch = make_branch(parameter_set=make_parameter_set(cash_closing_control=False))
    account = cash_account(branch)
    person = {"by": CASHIER, "now": NOW}
    settled = make_title(branch=branch, amounts=("600.00", "400.00"), our_numbers=("1", "2"))
    receipt = settle(settled, "1500.00")
    paid_by_credit = make_title(branch=branch, bill_to=settled.bill_to, amounts=("90.00",))
    use_credit(installment_id=paid_by_credit.installments.get().pk, amount=Decimal("90.00"), cash_date=TODAY, on=TODAY,
               **person)  # fmt: skip
    refund_credit(customer_id=settled.bill_to_id, branch_id=branch.pk, amount=Decimal("10.00"), method_code="cash",
                  cash_date=TODAY, reason=REASON, on=TODAY, **person)  # fmt: skip
    close_day(account_id=account.pk, day=TODAY, on=TODAY, **person)
    reopen_day(account_id=account.pk, day=TODAY, reason=REASON, **person)
    expected = expected_of(account, day=TODAY)
    close_day(account_id=account.pk, day=TODAY, on=TODAY, counted=expected, **person)
    supplement = settle(make_title(branch=branch), "1000.00")
    session = open_session(idempotency_key="s1", branch=branch, station="03", operator="01", opened_at=NOW,
                           float_amount=Decimal("50.00"), by=CASHIER)  # fmt: skip
    cash = PaymentMethod.objects.get(code=PaymentMethod.CASH)
    close_session(session_id=session.pk, counted=[(cash, "cash", Decimal("45.00"))], pending_count=0,
                  pending_amount=Decimal(0), at=NOW, **person)  # fmt: skip
    late_in(session, account, **person)
    post(session)
    void_receipt(receipt_id=supplement.pk, reason="", idempotency_key="void-1", on=TODAY, **person)
    Divergence(branch=branch, reason="already_settled", source="op-1").save_as(SYSTEM)
    record_export(noun="receivables.title", file_format="csv", query="", row_count=1, is_cut=False, by=CASHIER)
    collected_anew(branch)
    closed = closed_cash_reversal()
    assign_difference(record_id=closed.pk, owner_id=make_user(branches=(closed.account.branch,)).pk, **person)
    return SimpleNamespace(
        branch=branch, account=account, title=settled, receipt=receipt, session=session, closed=closed,
        **beside(branch),
    )  # fmt: skip


def late_in(session, account, **person):
    """Cash that was put into a closed session."""
    usual = session.branch.payment_methods.get(method__code=PaymentMethod.CASH)
    landing = land_later(wanted=[(account, TODAY)], by=CASHIER)[account.pk, TODAY]
    post_movement(account=account, landing=landing, amount=Decimal("1.00"), history_code=usual.credit_history,
                  document_type=usual.document_type, session=session, **person)  # fmt: skip


def collected_anew(branch):
    installment = make_title(branch=branch, due_dates=(YESTERDAY,), our_numbers=("3",)).installments.get()
    reissue_bank_collection(
        installment_id=installment.pk, new_due_date=TODAY, reason=REASON, apply_charges=True, write_off_requested=True,
        interest_percent=Decimal("0.033"), fine_percent=Decimal("2"), by=CASHIER, on=TODAY, now=NOW,
    )  # fmt: skip


def closed_cash_reversal():
    branch = make_branch()
    title = make_title(branch=branch)
    settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=cash_account(branch).pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY)
    answer = ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit()])
    reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY,
                  closed_cash={cash_account(branch).pk: answer})  # fmt: skip
    return ClosedCashReversal.objects.get()


def beside(branch):
    """Rows of the registers and of the tills' door."""
    rows = {
        "city": City(code="1", name="Santos", state="SP"), "product": Product(code="1", name="Frete"),
        "holiday": Holiday(day=TODAY, name="Aniversário da cidade"),
        "policy": TillPolicy(parameter_set=branch.parameter_set),
        "operator": TillOperator(branch=branch, code="01", name="Bia", pin_hash="x"),
        "device": Device(branch=branch, till="03", install_id="i"),
    }  # fmt: skip
    for row in rows.values():
        row.save_as(SYSTEM)
    device = rows["device"]
    operation = Operation.objects.create(op_id="op-1", device=device, judged_as=device, epoch=1, seq=1, kind="receipt",
                                         content_hash="a", raw="{}")  # fmt: skip
    OperationConflict.objects.create(operation=operation, device=device, seq=1, content_hash="b", raw="{}")
    RawBatch.objects.create(device=device, body=b"{}")
    return rows


def refused(sql, values=()):
    """Give the database's refusal, or None when it did as it was told."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except IntegrityError as refusal:
        return refusal
    return None


def insert_like(row, **changes):
    """Try to insert a copy of a row with other values, and give the database's refusal."""
    changes = {row._meta.get_field(name).column: value for name, value in changes.items()}
    columns = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    picks = ", ".join("%s" if column in changes else f'"{column}"' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    given = [changes[column] for column in columns if column in changes]
    table = row._meta.db_table
    return refused(f'INSERT INTO "{table}" ({names}) SELECT {picks} FROM "{table}" WHERE id = %s', [*given, row.pk])


# Append-only rows


GUARDED = [guard.table for guard in triggers.guards() if guard.move is None]


def rows_in(table):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT COUNT(*) FROM "{table}"')
        return cursor.fetchone()[0]


def test_ledger_rows_and_all_history_are_guarded():
    kinds = [model for model in apps.get_models() if issubclass(model, AppendOnlyModel | AuditRow)]
    assert {model._meta.db_table for model in kinds} | {CashMovement._meta.db_table} == {
        guard.table for guard in triggers.guards()
    }
    assert {Receipt, ReceiptAllocation, ReceiptTender, CustomerCredit, Reversal, ClosedCashReversal, Terms} <= set(
        kinds
    )


def test_no_guarded_row_is_updated(books):
    assert [table for table in GUARDED if not rows_in(table)] == []
    key = {model._meta.db_table: model._meta.pk.column for model in apps.get_models()}
    through = [table for table in GUARDED if not refused(f'UPDATE "{table}" SET "{key[table]}" = "{key[table]}"')]
    assert through == []


def test_no_guarded_row_is_deleted(books):
    tables = [*GUARDED, CashMovement._meta.db_table]
    assert [table for table in tables if not refused(f'DELETE FROM "{table}"')] == []


def test_no_guarded_table_is_emptied_at_once(books):
    """TRUNCATE is PostgreSQL's; SQLite has only DELETE, which fires row by row."""
    empty = "TRUNCATE" if connection.vendor == ON_POSTGRESQL else "DELETE FROM"
    connection.check_constraints()
    tables = [*GUARDED, CashMovement._meta.db_table]
    cascade = " CASCADE" if connection.vendor == ON_POSTGRESQL else ""
    assert [table for table in tables if not refused(f'{empty} "{table}"{cascade}')] == []


def test_a_refusal_names_the_table(books):
    assert "receivables_receipt is append-only" in str(refused("UPDATE receivables_receipt SET amount = 1"))


def test_a_posted_movement_may_only_become_reversed(books):
    movement = CashMovement.objects.posted().first()
    change = f"UPDATE receivables_cashmovement SET status = %s WHERE id = {movement.pk}"
    assert refused(change, ["posted"])
    assert not refused(change, ["reversed"])
    assert refused(change, ["posted"])
    assert refused(change, ["reversed"])


def test_no_other_column_of_a_movement_changes_not_even_while_it_is_reversed(books):
    movement = CashMovement.objects.posted().filter(reverses=None, supplement_of=None).first()
    other = CashMovement.objects.exclude(pk=movement.pk).filter(supplement_of__isnull=False).first()
    through = []
    for field in movement._meta.concrete_fields:
        value = field.get_db_prep_save(_another(field, movement, other), connection)
        change = f'UPDATE receivables_cashmovement SET "{field.column}" = %s, status = %s WHERE id = {movement.pk}'
        if field.name != "status" and not refused(change, [value, "reversed"]):
            through.append(field.name)
    assert through == []


def _another(field, row, other):
    """A value that the row does not have, of the right type."""
    if isinstance(field, models.ForeignKey):
        return (getattr(row, field.attname) or 0) + 1
    if field.primary_key:
        return row.pk + 1000
    if isinstance(field, models.CharField):
        return (getattr(row, field.attname) or "")[:-1] or "x"
    return {
        "cash_date": row.cash_date + timedelta(days=1), "amount": row.amount + 1, "supplement_number": 7,
        "session_supplement_number": 7,
        "posted_at": row.posted_at + timedelta(seconds=1),
    }[field.name]  # fmt: skip


# Constraints: what a violation changes in a copy of a valid row


def _of(model, **values):
    return lambda _books: model.objects.filter(**values).first()


PARTLY = {"status": "partially_settled", "balance": Decimal("1.00")}
VIOLATIONS = {
    "access_event_kind_known": (_of(AccessEvent), {"kind": "lost"}),
    "access_event_deactivated_because": (_of(AccessEvent, kind="deactivated"), {"reason": ""}),
    "terms_percents_in_range": (_of(Terms), {"fine_percent": Decimal("100.01")}),
    "parameter_set_one_default": (_of(ParameterSet, is_default=True), {"name": "Outro"}),
    "history_code_direction_known": (_of(HistoryCode), {"direction": "up", "code": "X"}),
    "branch_payment_method_once": (_of(BranchPaymentMethod), {}),
    "title_document_once": (lambda books: books.title, {}),
    "title_amount_positive": (lambda books: books.title, {"amount": 0}),
    "title_received_not_negative": (lambda books: books.title, {"received_amount": Decimal("-0.01")}),
    "title_received_on_means_settled": (_of(Title, status="settled"), {"received_on": None}),
    "title_status_known": (_of(Title, status="pending"), {"status": "lost"}),
    "title_billing_type_known": (_of(Title, status="pending"), {"billing_type": "barter", "document_number": "X"}),
    "title_extras_not_negative": (lambda books: books.title, {"icms_amount": -1}),
    "installment_number_once": (_of(Installment), {}),
    "installment_number_from_one": (_of(Installment), {"number": 0}),
    "installment_amount_positive": (_of(Installment), {"original_amount": 0}),
    "installment_balance_within_amount": (_of(Installment), {"status": "partially_settled", "balance": 5000}),
    "installment_settled_means_no_balance": (_of(Installment, status="settled"), {"status": "partially_settled"}),
    "installment_pending_owes_all": (_of(Installment), {"status": "pending", "balance": Decimal("0.01")}),
    "installment_status_known": (_of(Installment), PARTLY | {"status": "lost"}),
    "installment_carried_not_negative": (_of(Installment), {"carried_charges": -1}),
    "bank_slip_our_number_once": (_of(BankSlip), {"status": "superseded"}),
    "bank_slip_one_live": (_of(BankSlip, status="issued"), {"our_number": "99"}),
    "bank_slip_amount_positive": (_of(BankSlip), {"amount": 0}),
    "bank_slip_status_known": (_of(BankSlip), {"status": "lost"}),
    "bank_collection_reissue_not_in_the_past": (_of(BankCollectionReissue), {"new_due_date": YESTERDAY}),
    "bank_collection_reissue_amounts_positive": (_of(BankCollectionReissue), {"old_amount": 0}),
    "bank_collection_reissue_adds_up": (_of(BankCollectionReissue), {"new_amount": Decimal("1000.00")}),
    "bank_collection_reissue_charges_in_range": (_of(BankCollectionReissue), {"fine_percent": Decimal("100.01")}),
    "bank_collection_reissue_unticked_is_free": (_of(BankCollectionReissue), {"apply_charges": False}),
    "bank_collection_reissue_write_off_requested": (_of(BankCollectionReissue), {"bank_write_off_requested": False}),
    "cash_day_once": (_of(CashDay), {}),
    "cash_day_status_known": (_of(CashDay), {"status": "lost"}),
    "cash_session_closed_at_means_closed": (lambda books: books.session, {"status": "closed", "closed_at": None}),
    "cash_session_float_not_negative": (lambda books: books.session, {"float_amount": -1}),
    "receipt_amount_positive": (_of(Receipt), {"amount": 0}),
    "receipt_tender_position_once": (_of(ReceiptTender), {}),
    "receipt_tender_amount_not_negative": (_of(ReceiptTender), {"amount": -1}),
    "receipt_allocation_position_once": (_of(ReceiptAllocation), {}),
    "receipt_allocation_not_negative": (_of(ReceiptAllocation), {"interest": -1}),
    "receipt_allocation_not_empty": (_of(ReceiptAllocation), {"principal": 0, "interest": 0, "fine": 0, "discount": 0}),
    "reversal_amount_not_negative": (_of(Reversal), {"amount": -1}),
    "closed_cash_reversal_account_once": (lambda books: books.closed, {}),
    "closed_cash_reversal_difference_adds_up": (lambda books: books.closed, {"known_difference": Decimal("0.01")}),
    "cash_movement_moves_something": (_of(CashMovement), {"amount": 0}),
    "cash_movement_status_known": (_of(CashMovement), {"status": "lost"}),
    "cash_movement_supplement_is_numbered": (_of(CashMovement, supplement_of=None), {"supplement_number": 1}),
    "cash_movement_supplement_once": (_of(CashMovement, supplement_number=1), {"reverses": None}),
    "cash_movement_session_supplement_numbered": (
        _of(CashMovement, session_supplement_of=None),
        {"session_supplement_number": 1},
    ),
    "cash_movement_session_supplement_once": (
        _of(CashMovement, session_supplement_number=1),
        {"supplement_of": None, "supplement_number": None},
    ),
    "cash_movement_session_difference_once": (
        _of(CashMovement, session_difference_of__isnull=False),
        {"supplement_of": None, "supplement_number": None},
    ),
    "cash_movement_session_difference_is_outside": (
        _of(CashMovement, session_difference_of__isnull=False),
        {"session": 1},
    ),
    "cash_day_count_number_once": (_of(CashDayCount), {}),
    "cash_day_count_method_once": (_of(CashDayCountLine), {}),
    "customer_credit_amount_positive": (_of(CustomerCredit), {"amount": 0}),
    "customer_credit_kind_known": (_of(CustomerCredit), {"kind": "lost"}),
    "customer_credit_grant_has_origin": (_of(CustomerCredit, kind="granted"), {"receipt": None, "source": None}),
    "exported_list_format_known": (_of(ExportedList), {"file_format": "exe"}),
    "divergence_source_reason_once": (_of(Divergence), {}),
    "divergence_resolved_has_outcome": (_of(Divergence), {"status": "resolved"}),
    "divergence_takes_two_persons": (
        _of(Divergence),
        {
            "proposed": "accepted",
            "outcome": "accepted",
            "proposed_by": 1,
            "resolved_by": 1,
            "status": "resolved",
            "resolved_at": "2026-11-21 12:00:00",
        },
    ),
}
# A negative balance is neither settled nor owed, an unknown status has no outcome: another law may speak first.
SHADOWED = {
    "installment_balance_not_negative": (_of(Installment), {"status": "settled", "balance": Decimal("-0.01")}),
    "divergence_status_known": (_of(Divergence), {"status": "lost"}),
}


def ours(kind=models.BaseConstraint):
    """Give the constraints of the ledger by name."""
    rows = [model for model in apps.get_app_config("receivables").get_models() if not issubclass(model, AuditRow)]
    return {each.name: (model, each) for model in rows for each in model._meta.constraints if isinstance(each, kind)}


def names_the_constraint(refusal, name):
    """PostgreSQL names every constraint, SQLite a CHECK by its name and a unique one by its columns."""
    if connection.vendor == ON_POSTGRESQL:
        return refusal.__cause__.diag.constraint_name == name
    model, constraint = ours()[name]
    if isinstance(constraint, models.CheckConstraint):
        return str(refusal) == f"CHECK constraint failed: {name}"
    columns = [f"{model._meta.db_table}.{model._meta.get_field(field).column}" for field in constraint.fields]
    return str(refusal) == f"UNIQUE constraint failed: {', '.join(columns)}"


def test_every_constraint_of_the_ledger_has_its_violation():
    assert set(ours()) == set(VIOLATIONS) | set(SHADOWED)


def test_each_constraint_refuses_its_violation(books):
    silent = {}
    for name, (find, changes) in VIOLATIONS.items():
        refusal = insert_like(find(books), **changes)
        if refusal is None or not names_the_constraint(refusal, name):
            silent[name] = str(refusal)
    assert silent == {}


def test_what_another_law_may_refuse_first_is_refused(books):
    assert [name for name, (find, changes) in SHADOWED.items() if not insert_like(find(books), **changes)] == []


def test_a_known_difference_of_odd_cents_adds_up(books):
    """In floats, which SQLite computes with, 1000.10 − 990.05 is not 10.05."""
    amounts = {"settled_amount": "1000.10", "first_debit_amount": "990.05", "known_difference": "10.05"}
    given = {name: Decimal(amount) for name, amount in amounts.items()}
    assert not insert_like(books.closed, **given, account=books.account.pk)


def test_what_is_unique_is_unique_in_the_database(books):
    """An allocation is undone once, a movement reversed once, an idempotency key used once."""
    doubled = []
    for model in apps.get_app_config("receivables").get_models():
        unique = [field for field in model._meta.concrete_fields if field.unique and not field.primary_key]
        for field in [] if issubclass(model, AuditRow) else unique:
            row = model._base_manager.exclude(**{field.attname: None}).first()
            others = {other.name: None for other in unique if other is not field and other.null}
            if row is None or not insert_like(row, **others):
                doubled.append(f"{model.__name__}.{field.name}")
    # No receipt or movement of these books came from a station; their keys are seen at work in tests/pos_sync.
    assert doubled == ["Receipt.idempotency_key", "CashMovement.idempotency_key"]


# Writes that the models refuse before the database is asked


def of_kind(kind):
    return [model for model in apps.get_models() if issubclass(model, kind)]


@pytest.mark.parametrize("model", of_kind(AuditedModel), ids=lambda model: model.__name__)
def test_audited_rows_are_not_written_past_their_history(model):
    field = model._meta.concrete_fields[-1]
    rows = model.objects.all()
    for write in (
        lambda: rows.update(**{field.attname: None}),
        rows.delete,
        lambda: rows.bulk_create([model()]),
        lambda: rows.bulk_update([model(pk=1)], [field.name]),
        model(pk=1).delete,
    ):
        with pytest.raises(AuditBypassed, match=model.__name__):
            write()


@pytest.mark.parametrize("model", of_kind(AppendOnlyModel), ids=lambda model: model.__name__)
def test_append_only_rows_are_not_changed(model):
    field = model._meta.concrete_fields[-1]
    rows = model.objects.all()
    known = model(pk=1)
    known._state.adding = False
    for write in (
        lambda: rows.update(**{field.attname: None}),
        rows.delete,
        lambda: rows.bulk_update([known], [field.name]),
        known.delete,
        known.save,
    ):
        with pytest.raises(AuditBypassed, match=model.__name__):
            write()


def test_nor_through_the_rows_that_point_to_them(books):
    with pytest.raises(AuditBypassed):
        books.title.installments.update(balance=0)
    with pytest.raises(AuditBypassed):
        books.receipt.allocations.all().delete()


# The installer and its check


def problems():
    return [each for each in run_checks(tags=["database"], databases=["default"]) if each.id == "receivables.E001"]


def drop_one(name="quita_append_only_delete_receivables_receipt", table="receivables_receipt"):
    on_table = f'ON "{table}"' if connection.vendor == ON_POSTGRESQL else ""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "{name}" {on_table}')
    return name


def test_all_guards_are_installed_after_migrate():
    assert triggers.installed() == triggers.expected()
    assert problems() == []


def test_no_two_triggers_share_a_name_once_the_database_cut_it():
    verbs = 3 if connection.vendor == ON_POSTGRESQL else 2
    others = [trigger for source in triggers.SOURCES for trigger in source()]
    assert len(triggers.expected()) == verbs * len(list(triggers.guards())) + len(others)


@pytest.mark.parametrize("noun", [Title, Installment, Customer])
def test_a_version_grows_with_each_change_also_where_raw_sql_forgot_it(books, noun):
    row = noun.objects.order_by("pk").last()
    column = {Title: "notes", Installment: "due_date", Customer: "name"}[noun]
    change = f"UPDATE {noun._meta.db_table} SET {column} = %s WHERE id = {row.pk}"
    assert not refused(change, ["2027-01-01"])
    assert not refused(change, ["2027-01-01"])
    assert noun.objects.get(pk=row.pk).version == row.version + 1
    assert not refused(f"UPDATE {noun._meta.db_table} SET version = 1 WHERE id = {row.pk}")
    assert noun.objects.get(pk=row.pk).version == row.version + 2


def test_a_missing_guard_is_named_by_the_system_check():
    dropped = drop_one()
    (problem,) = problems()
    assert dropped in problem.msg
    assert "migrate --skip-checks" in problem.hint


def test_the_check_is_quiet_while_migrations_wait():
    drop_one()
    ((app, newest),) = MigrationLoader(connection).graph.leaf_nodes("pos_sync")
    MigrationRecorder(connection).record_unapplied(app, newest)
    assert problems() == []


def test_a_guard_that_is_switched_off_is_missing():
    """Only PostgreSQL can switch a trigger off; on SQLite it can only be dropped."""
    if connection.vendor == ON_POSTGRESQL:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE receivables_receipt DISABLE TRIGGER USER")
    else:
        drop_one()
    assert any("receivables_receipt" in problem.msg for problem in problems())


def test_the_installer_puts_a_missing_guard_back_and_may_run_twice():
    drop_one()
    triggers.install()
    triggers.install()
    assert triggers.installed() == triggers.expected()


def test_the_system_check_is_asked_by_check_database(settings):
    settings.DEBUG = True
    drop_one()
    with pytest.raises(SystemCheckError, match=r"receivables\.E001"):
        call_command("check", databases=["default"])
