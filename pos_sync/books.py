"""Do the tills' operations and the ledger agree? B1 and B8 of the contract's invariants, added to `receivables.books`."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from receivables.books import Check, Violation, ask


def operations_post_once() -> Iterator[Violation]:
    """B1: each op_id has at most one live receipt, every decided receipt operation exactly one, no till's receipt none.

    The op_id of an operation is the receipt's `idempotency_key`.
    """
    yield from ask(
        "B1",
        _("%(receipts)s receipts bear the operation %(op_id)s."),
        """
        SELECT idempotency_key AS op_id, COUNT(*) AS receipts, MIN(id) AS receipt_id
        FROM receivables_receipt
        WHERE idempotency_key IS NOT NULL
        GROUP BY idempotency_key
        HAVING COUNT(*) > 1
        ORDER BY idempotency_key
        """,
    )
    yield from ask(
        "B1",
        _("Operation %(op_id)s is %(state)s and has no receipt."),
        """
        SELECT operation.id AS operation_id, operation.op_id, operation.state
        FROM pos_sync_operation operation
        LEFT JOIN receivables_receipt receipt ON receipt.idempotency_key = operation.op_id
        WHERE operation.kind = 'receipt' AND operation.state IN ('applied', 'review', 'held') AND receipt.id IS NULL
        ORDER BY operation.id
        """,
    )
    yield from ask(
        "B1",
        _("Receipt %(receipt_id)s came from a till and no receipt operation of a till brought it."),
        """
        SELECT receipt.id AS receipt_id
        FROM receivables_receipt receipt
        LEFT JOIN pos_sync_operation operation
          ON operation.op_id = receipt.idempotency_key AND operation.kind = 'receipt'
        WHERE receipt.origin = 'till' AND operation.id IS NULL
        ORDER BY receipt.id
        """,
    )


CHECKS = [
    Check("B1", _("Each operation of a till is one receipt at most"), operations_post_once),
]
