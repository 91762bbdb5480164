"""Reference A: the same writes as the production's, by hand in SQL, set-based: as fast as PostgreSQL takes them.

It knows nothing but the happy path: receipts of one line and one tender, each of another title, that are all applied.
It believes the till, flags nothing and refuses nothing but what constraints refuse.
"""

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from pos_sync.models import Device
from receivables.models import CashMovement, Installment, Title
from tests.make import NOW

STORE = """
WITH epoch AS (
    INSERT INTO pos_sync_deviceepoch (device_id, epoch, first_seq, through_seq) VALUES (%(device)s, 1, 1, 0)
    ON CONFLICT (device_id, epoch) DO NOTHING
), stored AS (
    INSERT INTO pos_sync_operation (op_id, device_id, judged_as_id, epoch, seq, kind, content_hash, raw, received_at,
        state, reason, flags, attempts, failures, changed_at)
    SELECT item->>'op_id', %(device)s, %(device)s, 1, (item->>'seq')::bigint, item->>'kind',
        encode(sha256(convert_to((item - 'op_id' - 'seq')::text, 'UTF8')), 'hex'), item::text, %(now)s,
        'pending', '', '[]', 0, 0, %(now)s
    FROM jsonb_array_elements(%(batch)s->'operations') item
    ON CONFLICT (op_id) DO NOTHING RETURNING id, seq
)
INSERT INTO pos_sync_operationarrival (device_id, epoch, seq, operation_id) SELECT %(device)s, 1, seq, id FROM stored
"""

WAITING = (
    "SELECT id FROM pos_sync_operation WHERE device_id = %(device)s AND epoch = 1 AND state = 'pending' "
    "ORDER BY seq LIMIT 200 FOR NO KEY UPDATE"
)
ATTEMPT = "UPDATE pos_sync_operation SET attempts = attempts + 1 WHERE id = ANY(%(operations)s)"

LOCKS = (
    "SELECT pg_advisory_xact_lock(hashtextextended('bench:' || %(device)s, 0))",
    "SELECT a.id FROM receivables_ledgeraccount a WHERE a.branch_id = %(branch)s ORDER BY id FOR NO KEY UPDATE",
    "SELECT d.id FROM receivables_cashday d JOIN receivables_ledgeraccount a ON a.id = d.account_id "
    "WHERE a.branch_id = %(branch)s AND d.day = %(day)s AND d.status = 'open' ORDER BY d.id FOR NO KEY UPDATE OF d",
    """
    SELECT t.id, i.id FROM pos_sync_operation o
    JOIN receivables_installment named ON named.id = (o.raw::jsonb #>> '{body,lines,0,installment_id}')::bigint
    JOIN receivables_title t ON t.id = named.title_id JOIN receivables_installment i ON i.title_id = t.id
    WHERE o.id = ANY(%(operations)s) ORDER BY t.id, i.id FOR NO KEY UPDATE OF t, i
    """,
)

_CENTS = "({}->>'{}_cents')::numeric / 100 AS {}"
_SIGNED = "%(now)s, %(actor)s, 'till'"
_TOLD = f"""
    SELECT nextval('receivables_receipt_id_seq') AS receipt_id,
        nextval('receivables_receipttender_id_seq') AS tender_id,
        o.id AS operation_id, o.op_id, item->>'seq' AS seq, (item->>'occurred_at')::timestamptz AS taken_at,
        ((item->>'occurred_at')::timestamptz AT TIME ZONE 'America/Sao_Paulo')::date AS day,
        body->>'operator' AS operator, body->>'receipt_no' AS number, s.id AS session_id,
        i.id AS installment_id, i.title_id, i.balance, t.bill_to_id AS customer_id, tender->>'method' AS method,
        {", ".join(_CENTS.format("line", name, name) for name in ("principal", "interest", "fine"))},
        {", ".join(_CENTS.format("tender", name, name) for name in ("amount", "tendered", "change"))},
        m.method_id, m.account_id, m.credit_history_id, m.document_type_id,
        i.balance > (line->>'principal_cents')::numeric / 100 AS is_part,
        NOT EXISTS (SELECT FROM receivables_installment other WHERE other.title_id = i.title_id AND other.id <> i.id
            AND other.status <> 'settled') AS is_last
    FROM pos_sync_operation o
    CROSS JOIN LATERAL (SELECT o.raw::jsonb AS item OFFSET 0) a
    CROSS JOIN LATERAL (SELECT item->'body' AS body, item #> '{{body,lines,0}}' AS line,
        item #> '{{body,tenders,0}}' AS tender, %(session)s || (item #>> '{{body,session_id}}') AS session_key
        OFFSET 0) b
    JOIN receivables_installment i ON i.id = (line->>'installment_id')::bigint
    JOIN receivables_title t ON t.id = i.title_id
    JOIN receivables_paymentmethod p ON p.code = tender->>'method'
    JOIN receivables_branchpaymentmethod m ON m.branch_id = %(branch)s AND m.method_id = p.id
    LEFT JOIN receivables_cashsession s ON s.idempotency_key = session_key
    WHERE o.id = ANY(%(operations)s) ORDER BY o.seq
"""


def _history_of(model: type, source: str, *, kind: str, reason: str, verb: str) -> str:
    """Write the INSERT of history rows from the rows that a statement returned."""
    history = model.history.model
    tracked = [field.column for field in history.tracked_fields if field.column not in ("actor", "channel")]
    return (
        f"INSERT INTO {history._meta.db_table} ({', '.join(tracked)}, history_date, history_type, actor, channel, "
        f"history_change_reason, move) SELECT {', '.join(f'w.{column}' for column in tracked)}, clock_timestamp(), "
        f"'{kind}', %(actor)s, 'till', {reason}, {verb} FROM {source} w"
    )


_REASON = "'Recebimento ' || w.receipt_number"
_VERB = "CASE WHEN w.status = 'settled' THEN 'settle' ELSE 'settle_part' END"

APPLY = f"""
WITH told AS MATERIALIZED ({_TOLD}),
receipts AS (
    INSERT INTO receivables_receipt (id, posted_at, actor, channel, branch_id, customer_id, number, received_on,
        cash_date, amount, origin, station, operator, session_id, idempotency_key, notes)
    SELECT receipt_id, {_SIGNED}, %(branch)s, customer_id, number, day, day, amount, 'till', %(till)s, operator,
        session_id, op_id, ''
    FROM told
),
tenders AS (
    INSERT INTO receivables_receipttender (id, posted_at, actor, channel, receipt_id, position, method_id, amount,
        tendered_amount, change_amount, reference)
    SELECT tender_id, {_SIGNED}, receipt_id, 0, method_id, amount, tendered, change, '' FROM told
),
allocations AS (
    INSERT INTO receivables_receiptallocation (posted_at, actor, channel, receipt_id, position, title_id,
        installment_id, principal, interest, fine, discount, carried_charges, is_late)
    SELECT {_SIGNED}, receipt_id, 0, title_id, installment_id, principal, interest, fine, 0, 0, interest + fine > 0
    FROM told
),
movements AS (
    INSERT INTO receivables_cashmovement (posted_at, actor, channel, account_id, cash_date, amount, status,
        history_code_id, document_type_id, notes, origin, receipt_id, tender_id, title_id, session_id)
    SELECT {_SIGNED}, account_id, day, amount, 'posted', credit_history_id, document_type_id, '', 'till',
        receipt_id, tender_id, title_id, session_id
    FROM told RETURNING *
),
movement_rows AS ({_history_of(CashMovement, "movements", kind="+", reason="NULL", verb="''")}),
installments AS (
    UPDATE receivables_installment i SET version = i.version + 1, balance = i.balance - principal,
        status = CASE WHEN is_part THEN 'partially_settled' ELSE 'settled' END,
        interest_from = GREATEST(i.interest_from, i.due_date, day),
        fine_charged = i.fine_charged OR interest + fine > 0, carried_charges = 0
    FROM told WHERE i.id = told.installment_id RETURNING i.*, told.number AS receipt_number
),
installment_rows AS (
    {_history_of(Installment, "installments", kind="~", reason=_REASON, verb=_VERB)}
),
titles AS (
    UPDATE receivables_title t SET version = t.version + 1, cash_date = day,
        received_amount = t.received_amount + principal + interest + fine,
        status = CASE WHEN is_last AND NOT is_part THEN 'settled' ELSE 'partially_settled' END,
        received_on = CASE WHEN is_last AND NOT is_part THEN day END
    FROM told WHERE t.id = told.title_id RETURNING t.*, told.number AS receipt_number
),
title_rows AS ({_history_of(Title, "titles", kind="~", reason=_REASON, verb=_VERB)})
UPDATE pos_sync_operation o SET state = 'applied', effective_at = taken_at, changed_at = %(now)s,
    outcome = jsonb_build_object('receipt', number, 'allocated_cents', (amount * 100)::bigint, 'credit_cents', 0,
        'suspense_cents', 0, 'lines', jsonb_build_array(jsonb_build_object('installment_id', installment_id::text,
        'reason', NULL, 'reasons', '[]'::jsonb, 'principal_cents', (principal * 100)::bigint, 'interest_cents',
        (interest * 100)::bigint, 'fine_cents', (fine * 100)::bigint, 'discount_cents', 0, 'credit_cents', 0,
        'suspense_cents', 0)))
FROM told WHERE o.id = told.operation_id
"""


def store(device: Device, raw: bytes) -> None:
    """Keep the batch: one statement, one commit."""
    with connection.cursor() as cursor:
        cursor.execute(STORE, {"device": device.pk, "now": NOW, "batch": Jsonb(None, dumps=lambda _: raw.decode())})


def apply(device: Device, *, day: object) -> int:
    """Apply what waits, in the production's two commits; give how many receipts were posted."""
    facts = {
        "device": device.pk, "branch": device.branch_id, "till": device.till, "now": NOW, "day": day,
        "actor": f"PDV {device.branch.code}/{device.till}", "session": device.session_key(""),
    }  # fmt: skip
    with connection.cursor() as cursor:
        with transaction.atomic():
            cursor.execute(WAITING, facts)
            facts["operations"] = [pk for (pk,) in cursor.fetchall()]
            cursor.execute(ATTEMPT, facts)
        with transaction.atomic():
            for statement in LOCKS:
                cursor.execute(statement, facts)
            cursor.execute(APPLY, facts)
            return cursor.rowcount
