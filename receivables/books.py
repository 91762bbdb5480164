"""Do the books add up? B2-B7, B9 and B11 of the contract's invariants, each an independent check of the whole ledger.

Other apps append theirs to `CHECKS` when they are ready. Nothing is repaired here. Each question is one statement, thus
sees one moment of a ledger at work; sums are in integer cents, because SQLite keeps decimals as floats.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.apps import apps
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django_fsm import FSMField

from receivables.domain.money import format_brl, from_cents
from receivables.models.audited import AuditedModel


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold: its number, what is wrong, and the rows (`title_id`, `op_id`, …)."""

    number: str
    message: str
    ids: dict[str, int | str]


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered invariant: what it promises (marked for translation), and how to find what breaks it."""

    number: str
    promise: str
    find: Callable[[], Iterable[Violation]]


CHECKS: list[Check] = []


def ordered_checks() -> list[Check]:
    """Give every check that the apps have registered, by number."""
    return sorted(CHECKS, key=lambda check: int(check.number[1:]))


_CENTS = re.compile(r"CENTS\(([\w.]+)\)")
_EXACT_CENTS = r"CAST(ROUND(\1 * 100) AS BIGINT)"


def ask(number: str, message: str, sql: str, **facts: object) -> Iterator[Violation]:
    """Give one violation for each row of one SELECT, whose columns, with the facts, fill the message.

    `CENTS(amount)` in the SQL is an amount in integer cents. A column `…_id` is an id of the violation, a column
    `…_cents` is shown in reais.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CENTS.sub(_EXACT_CENTS, sql))
        names = [column[0] for column in cursor.description]
        for row in cursor:
            found = dict(zip(names, row, strict=True))
            shown = facts | {name: _shown(name, value) for name, value in found.items()}
            ids = {name: value for name, value in found.items() if name.endswith("_id") and value is not None}
            yield Violation(number=number, message=message % shown, ids=ids)


def _shown(name: str, value: object) -> object:
    if name.endswith("_cents") and value is not None:
        return format_brl(from_cents(int(Decimal(str(value)))))
    return "—" if value is None else value


# B2


def receipts_are_whole() -> Iterator[Violation]:
    """B2 as posted: Σ tenders = the receipt's amount = Σ allocated (principal + interest + fine) + credit + suspense.

    A receipt belongs to one branch, one day and one station, so what holds for each receipt holds for their sums.
    Credit and suspense are the original grants; a grant with a `source` is a later identification and is outside.
    """
    yield from ask(
        "B2",
        _("Receipt %(receipt_id)s is of R$ %(amount_cents)s and its tenders add up to R$ %(tenders_cents)s."),
        """
        SELECT receipt.id AS receipt_id, CENTS(receipt.amount) AS amount_cents,
               COALESCE(brought.cents, 0) AS tenders_cents
        FROM receivables_receipt receipt
        LEFT JOIN (
            SELECT receipt_id, SUM(CENTS(amount)) AS cents FROM receivables_receipttender GROUP BY receipt_id
        ) brought ON brought.receipt_id = receipt.id
        WHERE CENTS(receipt.amount) <> COALESCE(brought.cents, 0)
        ORDER BY receipt.id
        """,
    )
    yield from ask(
        "B2",
        _(
            "Receipt %(receipt_id)s is of R$ %(amount_cents)s; R$ %(allocated_cents)s is allocated and "
            "R$ %(granted_cents)s is credit or in suspense."
        ),
        """
        SELECT receipt.id AS receipt_id, CENTS(receipt.amount) AS amount_cents,
               COALESCE(allocated.cents, 0) AS allocated_cents, COALESCE(granted.cents, 0) AS granted_cents
        FROM receivables_receipt receipt
        LEFT JOIN (
            SELECT receipt_id, SUM(CENTS(principal) + CENTS(interest) + CENTS(fine)) AS cents
            FROM receivables_receiptallocation GROUP BY receipt_id
        ) allocated ON allocated.receipt_id = receipt.id
        LEFT JOIN (
            SELECT receipt_id, SUM(CENTS(amount)) AS cents FROM receivables_customercredit
            WHERE kind = 'granted' AND source_id IS NULL GROUP BY receipt_id
        ) granted ON granted.receipt_id = receipt.id
        WHERE CENTS(receipt.amount) <> COALESCE(allocated.cents, 0) + COALESCE(granted.cents, 0)
        ORDER BY receipt.id
        """,
    )


# B3


def balances_follow_receipts() -> Iterator[Violation]:
    """B3: 0 ≤ balance ≤ amount; balance = amount − Σ live (principal + discount); settled ⇔ balance 0.

    Live is what no reversal line undid. Also title amount = Σ installments (G.6), received amount = Σ live money of the
    title's allocations, and an allocation names the title of its installment.
    """
    yield from ask(
        "B3",
        _("Installment %(installment_id)s of R$ %(amount_cents)s has an impossible balance of R$ %(balance_cents)s."),
        """
        SELECT id AS installment_id, CENTS(amount) AS amount_cents, CENTS(balance) AS balance_cents
        FROM receivables_installment
        WHERE CENTS(balance) < 0 OR CENTS(balance) > CENTS(amount)
        ORDER BY id
        """,
    )
    yield from ask(
        "B3",
        _(
            "Installment %(installment_id)s has a balance of R$ %(balance_cents)s; its amount less its live "
            "allocations is R$ %(owed_cents)s."
        ),
        """
        SELECT installment.id AS installment_id, CENTS(installment.balance) AS balance_cents,
               CENTS(installment.amount) - COALESCE(live.cents, 0) AS owed_cents
        FROM receivables_installment installment
        LEFT JOIN (
            SELECT allocation.installment_id, SUM(CENTS(allocation.principal) + CENTS(allocation.discount)) AS cents
            FROM receivables_receiptallocation allocation
            LEFT JOIN receivables_reversalline undone ON undone.allocation_id = allocation.id
            WHERE undone.allocation_id IS NULL
            GROUP BY allocation.installment_id
        ) live ON live.installment_id = installment.id
        WHERE CENTS(installment.balance) <> CENTS(installment.amount) - COALESCE(live.cents, 0)
        ORDER BY installment.id
        """,
    )
    yield from ask(
        "B3",
        _("Installment %(installment_id)s is %(status)s with a balance of R$ %(balance_cents)s."),
        """
        SELECT id AS installment_id, status, CENTS(balance) AS balance_cents
        FROM receivables_installment
        WHERE (status = 'settled' AND CENTS(balance) <> 0) OR (status <> 'settled' AND CENTS(balance) = 0)
        ORDER BY id
        """,
    )
    yield from ask(
        "B3",
        _("Title %(title_id)s is of R$ %(amount_cents)s and its installments add up to R$ %(installments_cents)s."),
        """
        SELECT title.id AS title_id, CENTS(title.amount) AS amount_cents,
               COALESCE(parts.cents, 0) AS installments_cents
        FROM receivables_title title
        LEFT JOIN (
            SELECT title_id, SUM(CENTS(amount)) AS cents FROM receivables_installment GROUP BY title_id
        ) parts ON parts.title_id = title.id
        WHERE CENTS(title.amount) <> COALESCE(parts.cents, 0)
        ORDER BY title.id
        """,
    )
    yield from ask(
        "B3",
        _(
            "Title %(title_id)s shows R$ %(received_cents)s received; its live allocations are of "
            "R$ %(allocated_cents)s."
        ),
        """
        SELECT title.id AS title_id, CENTS(title.received_amount) AS received_cents,
               COALESCE(live.cents, 0) AS allocated_cents
        FROM receivables_title title
        LEFT JOIN (
            SELECT allocation.title_id,
                   SUM(CENTS(allocation.principal) + CENTS(allocation.interest) + CENTS(allocation.fine)) AS cents
            FROM receivables_receiptallocation allocation
            LEFT JOIN receivables_reversalline undone ON undone.allocation_id = allocation.id
            WHERE undone.allocation_id IS NULL
            GROUP BY allocation.title_id
        ) live ON live.title_id = title.id
        WHERE CENTS(title.received_amount) <> COALESCE(live.cents, 0)
        ORDER BY title.id
        """,
    )
    yield from ask(
        "B3",
        _(
            "Allocation %(receipt_allocation_id)s pays installment %(installment_id)s under title %(title_id)s, "
            "not its own."
        ),
        """
        SELECT allocation.id AS receipt_allocation_id, installment.id AS installment_id,
               allocation.title_id
        FROM receivables_receiptallocation allocation
        JOIN receivables_installment installment ON installment.id = allocation.installment_id
        WHERE installment.title_id <> allocation.title_id
        ORDER BY allocation.id
        """,
    )


# B4


def titles_fold() -> Iterator[Violation]:
    """B4: a title's status is the fold of its installments (G.23, `domain.fold`); received_on is set ⇔ settled (G.1).

    An installment that is not settled is partially settled ⇔ it has a live allocation. A cancelled title has no live
    allocation (G.14); every title has an installment (G.21).
    """
    yield from ask(
        "B4",
        _("Title %(title_id)s is %(status)s; its installments make it %(folded)s."),
        """
        SELECT id AS title_id, status, folded
        FROM (
            SELECT title.id, title.status,
                   CASE WHEN COUNT(*) = SUM(CASE WHEN part.status = 'settled' THEN 1 ELSE 0 END) THEN 'settled'
                        WHEN COUNT(live.installment_id) > 0 THEN 'partially_settled'
                        ELSE 'pending' END AS folded
            FROM receivables_title title
            JOIN receivables_installment part ON part.title_id = title.id
            LEFT JOIN (
                SELECT DISTINCT allocation.installment_id
                FROM receivables_receiptallocation allocation
                LEFT JOIN receivables_reversalline undone ON undone.allocation_id = allocation.id
                WHERE undone.allocation_id IS NULL
            ) live ON live.installment_id = part.id
            WHERE title.status <> 'cancelled'
            GROUP BY title.id, title.status
        ) title
        WHERE status <> folded
        ORDER BY id
        """,
    )
    yield from ask(
        "B4",
        _("Title %(title_id)s has no installment."),
        """
        SELECT title.id AS title_id FROM receivables_title title
        LEFT JOIN receivables_installment part ON part.title_id = title.id
        WHERE part.title_id IS NULL
        ORDER BY title.id
        """,
    )
    yield from ask(
        "B4",
        _("Title %(title_id)s is %(status)s and its receipt date is %(received_on)s."),
        """
        SELECT id AS title_id, status, received_on FROM receivables_title
        WHERE (status = 'settled' AND received_on IS NULL) OR (status <> 'settled' AND received_on IS NOT NULL)
        ORDER BY id
        """,
    )
    yield from ask(
        "B4",
        _("Title %(title_id)s is cancelled and allocation %(receipt_allocation_id)s to it is live."),
        """
        SELECT title.id AS title_id, allocation.id AS receipt_allocation_id
        FROM receivables_title title
        JOIN receivables_receiptallocation allocation ON allocation.title_id = title.id
        LEFT JOIN receivables_reversalline undone ON undone.allocation_id = allocation.id
        WHERE title.status = 'cancelled' AND undone.allocation_id IS NULL
        ORDER BY allocation.id
        """,
    )
    yield from ask(
        "B4",
        _("Installment %(installment_id)s is %(status)s and has %(allocations)s live allocations."),
        """
        SELECT part.id AS installment_id, part.status, COALESCE(live.allocations, 0) AS allocations
        FROM receivables_installment part
        LEFT JOIN (
            SELECT allocation.installment_id, COUNT(*) AS allocations
            FROM receivables_receiptallocation allocation
            LEFT JOIN receivables_reversalline undone ON undone.allocation_id = allocation.id
            WHERE undone.allocation_id IS NULL
            GROUP BY allocation.installment_id
        ) live ON live.installment_id = part.id
        WHERE (part.status = 'pending' AND live.allocations IS NOT NULL)
           OR (part.status <> 'pending' AND live.allocations IS NULL)
        ORDER BY part.id
        """,
    )


# B5


def cash_follows_receipts() -> Iterator[Violation]:
    """B5: each receipt's movements add up to it, each reversed movement has one opposite, each reversal its cash side.

    A receipt's movements are those with neither `reverses` nor `reversal`. An opposite has the negated amount in the
    same account. A reversal takes its amount out of the cash by opposites or explains it by closed-cash records (G.4):
    every record of a closed_debit has a first debit, some record of a closed_no_debit has none, other kinds have no
    record; a stated first debit is in its account.
    """
    yield from ask(
        "B5",
        _("Receipt %(receipt_id)s is of R$ %(amount_cents)s and its cash movements add up to R$ %(moved_cents)s."),
        """
        SELECT receipt.id AS receipt_id, CENTS(receipt.amount) AS amount_cents, COALESCE(moved.cents, 0) AS moved_cents
        FROM receivables_receipt receipt
        LEFT JOIN (
            SELECT receipt_id, SUM(CENTS(amount)) AS cents FROM receivables_cashmovement
            WHERE reverses_id IS NULL AND reversal_id IS NULL GROUP BY receipt_id
        ) moved ON moved.receipt_id = receipt.id
        WHERE CENTS(receipt.amount) <> COALESCE(moved.cents, 0)
        ORDER BY receipt.id
        """,
    )
    yield from ask(
        "B5",
        _("Cash movement %(cash_movement_id)s is %(status)s and has %(opposites)s opposite movements."),
        """
        SELECT movement.id AS cash_movement_id, movement.status, COALESCE(opposite.rows, 0) AS opposites
        FROM receivables_cashmovement movement
        LEFT JOIN (
            SELECT reverses_id, COUNT(*) AS rows FROM receivables_cashmovement
            WHERE reverses_id IS NOT NULL GROUP BY reverses_id
        ) opposite ON opposite.reverses_id = movement.id
        WHERE COALESCE(opposite.rows, 0) <> CASE WHEN movement.status = 'reversed' THEN 1 ELSE 0 END
        ORDER BY movement.id
        """,
    )
    yield from ask(
        "B5",
        _(
            "Cash movement %(cash_movement_id)s does not mirror movement %(original_id)s: the same account and the "
            "opposite amount."
        ),
        """
        SELECT opposite.id AS cash_movement_id, original.id AS original_id
        FROM receivables_cashmovement opposite
        JOIN receivables_cashmovement original ON original.id = opposite.reverses_id
        WHERE CENTS(opposite.amount) <> -CENTS(original.amount) OR opposite.account_id <> original.account_id
        ORDER BY opposite.id
        """,
    )
    yield from ask(
        "B5",
        _(
            "Reversal %(reversal_id)s (%(kind)s) is of R$ %(amount_cents)s; opposite movements and records of the "
            "closed cash explain R$ %(explained_cents)s."
        ),
        """
        SELECT * FROM (
            SELECT reversal.id AS reversal_id, reversal.kind, CENTS(reversal.amount) AS amount_cents,
                   COALESCE(opposites.cents, 0) + COALESCE(recorded.cents, 0) AS explained_cents
            FROM receivables_reversal reversal
            LEFT JOIN (
                SELECT reversal_id, -SUM(CENTS(amount)) AS cents FROM receivables_cashmovement
                WHERE reverses_id IS NOT NULL GROUP BY reversal_id
            ) opposites ON opposites.reversal_id = reversal.id
            LEFT JOIN (
                SELECT reversal_id, SUM(CENTS(settled_amount)) AS cents FROM receivables_closedcashreversal
                GROUP BY reversal_id
            ) recorded ON recorded.reversal_id = reversal.id
        ) reversal
        WHERE amount_cents <> explained_cents
        ORDER BY reversal_id
        """,
    )
    yield from ask(
        "B5",
        _("Reversal %(reversal_id)s (%(kind)s) has %(records)s records of the closed cash, %(debits)s with a debit."),
        """
        SELECT reversal_id, kind, records, debits FROM (
            SELECT reversal.id AS reversal_id, reversal.kind, COUNT(record.id) AS records,
                   SUM(CASE WHEN CENTS(record.first_debit_amount) > 0 THEN 1 ELSE 0 END) AS debits
            FROM receivables_reversal reversal
            LEFT JOIN receivables_closedcashreversal record ON record.reversal_id = reversal.id
            GROUP BY reversal.id, reversal.kind
        ) reversal
        WHERE (kind = 'closed_debit' AND (records = 0 OR debits < records))
           OR (kind = 'closed_no_debit' AND debits = records)
           OR (kind NOT IN ('closed_debit', 'closed_no_debit') AND records > 0)
        ORDER BY reversal_id
        """,
    )
    yield from ask(
        "B5",
        _(
            "Record %(closed_cash_reversal_id)s of the closed cash states a first debit of R$ %(debit_cents)s; "
            "the account shows R$ %(moved_cents)s."
        ),
        """
        SELECT record.id AS closed_cash_reversal_id, CENTS(record.first_debit_amount) AS debit_cents,
               COALESCE(-debit.cents, 0) AS moved_cents
        FROM receivables_closedcashreversal record
        LEFT JOIN (
            SELECT first_debit_of_id, account_id, SUM(CENTS(amount)) AS cents FROM receivables_cashmovement
            WHERE first_debit_of_id IS NOT NULL GROUP BY first_debit_of_id, account_id
        ) debit ON debit.first_debit_of_id = record.id AND debit.account_id = record.account_id
        WHERE CENTS(record.first_debit_amount) <> COALESCE(-debit.cents, 0)
        ORDER BY record.id
        """,
    )


# B6


def statuses_have_history() -> Iterator[Violation]:
    """B6: each status change has a history row with actor and channel, for every audited model with a status or state.

    The newest history row has the row's status, the oldest is its creation, each row whose status is not its
    predecessor's names actor and channel (the creation too: it has no predecessor), and no told row has vanished.
    History rows of one row are written under its lock, so their ids are in order.
    """
    for model in apps.get_models():
        statuses = [field for field in model._meta.concrete_fields if isinstance(field, FSMField)]
        if issubclass(model, AuditedModel) and statuses:
            names = {
                "rows": model._meta.db_table,
                "told": model.history.model._meta.db_table,  # type: ignore[attr-defined]
                "status": statuses[0].column,
                "noun": _CAPITAL.sub("_", model.__name__).lower(),
            }
            for message, sql in _HISTORY_QUESTIONS:
                yield from ask("B6", _(message), sql.format_map(names), noun=model._meta.verbose_name)


_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_HISTORY_QUESTIONS = (
    (
        gettext_noop("%(noun)s %(row)s is %(status)s and its newest history row says %(told)s."),
        """
        SELECT live.id AS row, live.id AS {noun}_id, live.{status} AS status, newest.{status} AS told
        FROM {rows} live
        LEFT JOIN (SELECT id, MAX(history_id) AS history_id FROM {told} GROUP BY id) latest ON latest.id = live.id
        LEFT JOIN {told} newest ON newest.history_id = latest.history_id
        WHERE newest.history_id IS NULL OR newest.{status} <> live.{status}
        ORDER BY live.id
        """,
    ),
    (
        gettext_noop("The oldest history row of %(noun)s %(row)s is not its creation."),
        """
        SELECT oldest.id AS row, oldest.id AS {noun}_id, oldest.history_id
        FROM {told} oldest
        JOIN (SELECT id, MIN(history_id) AS history_id FROM {told} GROUP BY id) earliest
          ON earliest.history_id = oldest.history_id
        WHERE oldest.history_type <> '+'
        ORDER BY oldest.id
        """,
    ),
    (
        gettext_noop("The change of %(noun)s %(row)s from %(before)s to %(status)s lacks its actor or channel."),
        """
        SELECT id AS row, id AS {noun}_id, history_id, before, {status} AS status
        FROM (
            SELECT id, history_id, {status}, actor, channel,
                   LAG({status}) OVER (PARTITION BY id ORDER BY history_id) AS before
            FROM {told}
        ) change
        WHERE (before IS NULL OR before <> {status}) AND (actor = '' OR channel = '')
        ORDER BY id, history_id
        """,
    ),
    (
        gettext_noop("%(noun)s %(row)s is in the history and not among the rows."),
        """
        SELECT DISTINCT told.id AS row, told.id AS {noun}_id
        FROM {told} told LEFT JOIN {rows} live ON live.id = told.id
        WHERE live.id IS NULL
        ORDER BY told.id
        """,
    ),
)


# B7


def closings_hold() -> Iterator[Violation]:
    """B7: a closed day's movements = what was closed + its supplements; days and sessions are closed ⇔ closings say so.

    A day's closing stands until it is reopened; supplements are of the day they are booked on and numbered 1..n, those
    of a session's closing are of its session. A session expects its float and all that is no supplement of it; a count
    expects what its closing adds up to, with the balance in the drawer. No closing is rewritten, and the difference of
    a session is posted once an account, outside the session (G.11).
    """
    yield from _counts_hold()
    yield from _session_supplements_hold()
    yield from _session_differences_hold()
    yield from ask(
        "B7",
        _("Cash day %(cash_day_id)s is %(status)s and has %(closings)s closings that were not reopened."),
        """
        SELECT cash_day.id AS cash_day_id, cash_day.status, COALESCE(standing.closings, 0) AS closings
        FROM receivables_cashday cash_day
        LEFT JOIN (
            SELECT closing.cash_day_id, COUNT(*) AS closings
            FROM receivables_cashdayclosing closing
            LEFT JOIN receivables_cashdayreopening reopening ON reopening.closing_id = closing.id
            WHERE reopening.closing_id IS NULL
            GROUP BY closing.cash_day_id
        ) standing ON standing.cash_day_id = cash_day.id
        WHERE COALESCE(standing.closings, 0) <> CASE WHEN cash_day.status = 'closed' THEN 1 ELSE 0 END
        ORDER BY cash_day.id
        """,
    )
    yield from ask(
        "B7",
        _(
            "Closed cash day %(cash_day_id)s moves R$ %(moved_cents)s; it was closed with R$ %(closed_cents)s and has "
            "R$ %(supplement_cents)s of supplements."
        ),
        """
        SELECT * FROM (
            SELECT cash_day.id AS cash_day_id, closing.id AS cash_day_closing_id,
                   COALESCE((SELECT SUM(CENTS(movement.amount)) FROM receivables_cashmovement movement
                             WHERE movement.account_id = cash_day.account_id
                               AND movement.cash_date = cash_day.day), 0) AS moved_cents,
                   CENTS(closing.total) AS closed_cents,
                   COALESCE((SELECT SUM(CENTS(movement.amount)) FROM receivables_cashmovement movement
                             WHERE movement.supplement_of_id = closing.id), 0) AS supplement_cents
            FROM receivables_cashday cash_day
            JOIN receivables_cashdayclosing closing ON closing.cash_day_id = cash_day.id
            LEFT JOIN receivables_cashdayreopening reopening ON reopening.closing_id = closing.id
            WHERE cash_day.status = 'closed' AND reopening.closing_id IS NULL
        ) day
        WHERE moved_cents <> closed_cents + supplement_cents
        ORDER BY cash_day_id
        """,
    )
    yield from ask(
        "B7",
        _("Closing %(cash_day_closing_id)s states R$ %(total_cents)s, which its credits and debits do not make."),
        """
        SELECT id AS cash_day_closing_id, CENTS(total) AS total_cents FROM receivables_cashdayclosing
        WHERE CENTS(total) <> CENTS(credits) + CENTS(debits)
        ORDER BY id
        """,
    )
    yield from ask(
        "B7",
        _("Closing %(cash_day_closing_id)s has %(supplements)s supplements, numbered %(first)s to %(last)s."),
        """
        SELECT supplement_of_id AS cash_day_closing_id, COUNT(*) AS supplements, MIN(supplement_number) AS first,
               MAX(supplement_number) AS last
        FROM receivables_cashmovement
        WHERE supplement_of_id IS NOT NULL
        GROUP BY supplement_of_id
        HAVING COUNT(supplement_number) <> COUNT(*) OR COUNT(DISTINCT supplement_number) <> COUNT(*)
            OR MIN(supplement_number) <> 1 OR MAX(supplement_number) <> COUNT(*)
        ORDER BY supplement_of_id
        """,
    )
    yield from ask(
        "B7",
        _(
            "Cash movement %(cash_movement_id)s is a supplement of closing %(cash_day_closing_id)s, which is of "
            "another account or day."
        ),
        """
        SELECT movement.id AS cash_movement_id, closing.id AS cash_day_closing_id
        FROM receivables_cashmovement movement
        JOIN receivables_cashdayclosing closing ON closing.id = movement.supplement_of_id
        JOIN receivables_cashday cash_day ON cash_day.id = closing.cash_day_id
        WHERE movement.account_id <> cash_day.account_id OR movement.cash_date <> cash_day.day
        ORDER BY movement.id
        """,
    )
    yield from ask(
        "B7",
        _("Cash session %(cash_session_id)s is %(status)s and has %(closings)s closings."),
        """
        SELECT session.id AS cash_session_id, session.status, COUNT(closing.id) AS closings
        FROM receivables_cashsession session
        LEFT JOIN receivables_cashsessionclosing closing ON closing.session_id = session.id
        GROUP BY session.id, session.status
        HAVING COUNT(closing.id) <> CASE WHEN session.status = 'closed' THEN 1 ELSE 0 END
        ORDER BY session.id
        """,
    )


def _counts_hold() -> Iterator[Violation]:
    """A count is its lines, a closing is the count it was closed with, and no more than the difference is posted."""
    yield from ask(
        "B7",
        _(
            "Count %(cash_day_count_id)s expects R$ %(expected_cents)s and counted R$ %(counted_cents)s; its lines "
            "make R$ %(line_expected_cents)s and R$ %(line_counted_cents)s."
        ),
        """
        SELECT * FROM (
            SELECT count.id AS cash_day_count_id, CENTS(count.expected_amount) AS expected_cents,
                   CENTS(count.counted_amount) AS counted_cents,
                   COALESCE(SUM(CENTS(line.expected_amount)), 0) AS line_expected_cents,
                   COALESCE(SUM(CENTS(line.counted_amount)), 0) AS line_counted_cents
            FROM receivables_cashdaycount count
            LEFT JOIN receivables_cashdaycountline line ON line.count_id = count.id
            GROUP BY count.id, count.expected_amount, count.counted_amount
        ) count
        WHERE expected_cents <> line_expected_cents OR counted_cents <> line_counted_cents
        ORDER BY cash_day_count_id
        """,
    )
    yield from ask(
        "B7",
        _(
            "Closing %(cash_day_closing_id)s adds up to R$ %(closed_cents)s with R$ %(closed_counted_cents)s counted; "
            "its count %(cash_day_count_id)s expects R$ %(expected_cents)s and counted R$ %(counted_cents)s."
        ),
        """
        SELECT * FROM (
            SELECT closing.id AS cash_day_closing_id, count.id AS cash_day_count_id,
                   CENTS(closing.total)
                       + CASE WHEN count.opening_amount IS NULL THEN 0 ELSE CENTS(closing.opening_balance) END
                       AS closed_cents,
                   CENTS(closing.counted_amount) AS closed_counted_cents,
                   CENTS(count.expected_amount) AS expected_cents, CENTS(count.counted_amount) AS counted_cents,
                   closing.cash_day_id AS closed_day, count.cash_day_id AS counted_day
            FROM receivables_cashdayclosing closing
            JOIN receivables_cashdaycount count ON count.id = closing.count_id
        ) closing
        WHERE closed_cents <> expected_cents OR closed_counted_cents IS NULL
           OR closed_counted_cents <> counted_cents OR closed_day <> counted_day
        ORDER BY cash_day_closing_id
        """,
    )
    yield from ask(
        "B7",
        _(
            "R$ %(posted_cents)s is posted of the difference of cash day %(cash_day_id)s, which is "
            "R$ %(difference_cents)s."
        ),
        """
        SELECT posted.cash_day_id, posted.cents AS posted_cents,
               CENTS(count.counted_amount) - CENTS(count.expected_amount) AS difference_cents
        FROM (
            SELECT closing.cash_day_id, MAX(closing.id) AS closing_id, SUM(CENTS(movement.amount)) AS cents
            FROM receivables_cashmovement movement
            JOIN receivables_cashdayclosing closing ON closing.id = movement.difference_of_id
            WHERE movement.status = 'posted' AND movement.reverses_id IS NULL
            GROUP BY closing.cash_day_id
        ) posted
        JOIN receivables_cashdayclosing closing ON closing.id = posted.closing_id
        LEFT JOIN receivables_cashdaycount count ON count.id = closing.count_id
        WHERE count.id IS NULL
           OR ABS(posted.cents) > ABS(CENTS(count.counted_amount) - CENTS(count.expected_amount))
           OR posted.cents * (CENTS(count.counted_amount) - CENTS(count.expected_amount)) < 0
        ORDER BY posted.cash_day_id
        """,
    )


def _session_supplements_hold() -> Iterator[Violation]:
    """What is posted in a closed session is a supplement of its closing, 1 to n; the rest is what it expected."""
    yield from ask(
        "B7",
        _(
            "Session closing %(cash_session_closing_id)s has %(supplements)s supplements, numbered %(first)s to "
            "%(last)s."
        ),
        """
        SELECT session_supplement_of_id AS cash_session_closing_id, COUNT(*) AS supplements,
               MIN(session_supplement_number) AS first, MAX(session_supplement_number) AS last
        FROM receivables_cashmovement
        WHERE session_supplement_of_id IS NOT NULL
        GROUP BY session_supplement_of_id
        HAVING COUNT(session_supplement_number) <> COUNT(*)
            OR COUNT(DISTINCT session_supplement_number) <> COUNT(*)
            OR MIN(session_supplement_number) <> 1 OR MAX(session_supplement_number) <> COUNT(*)
        ORDER BY session_supplement_of_id
        """,
    )
    yield from ask(
        "B7",
        _(
            "Cash movement %(cash_movement_id)s is a supplement of session closing %(cash_session_closing_id)s, which "
            "is of another session."
        ),
        """
        SELECT movement.id AS cash_movement_id, closing.id AS cash_session_closing_id
        FROM receivables_cashmovement movement
        JOIN receivables_cashsessionclosing closing ON closing.id = movement.session_supplement_of_id
        WHERE movement.session_id IS NULL OR movement.session_id <> closing.session_id
        ORDER BY movement.id
        """,
    )
    yield from ask(
        "B7",
        _(
            "Closed cash session %(cash_session_id)s expected R$ %(expected_cents)s; its float and the movements that "
            "are no supplement make R$ %(moved_cents)s."
        ),
        """
        SELECT * FROM (
            SELECT session.id AS cash_session_id, closing.id AS cash_session_closing_id,
                   CENTS(closing.expected_amount) AS expected_cents,
                   CENTS(session.float_amount)
                       + COALESCE((SELECT SUM(CENTS(movement.amount)) FROM receivables_cashmovement movement
                                   WHERE movement.session_id = session.id
                                     AND movement.session_supplement_of_id IS NULL), 0) AS moved_cents
            FROM receivables_cashsession session
            JOIN receivables_cashsessionclosing closing ON closing.session_id = session.id
        ) session
        WHERE expected_cents <> moved_cents
        ORDER BY cash_session_id
        """,
    )


def _session_differences_hold() -> Iterator[Violation]:
    """What a session's count found is posted once an account of its branch, outside the session."""
    yield from ask(
        "B7",
        _(
            "Cash movement %(cash_movement_id)s posts the difference of session closing %(cash_session_closing_id)s in "
            "the session itself or in an account of another branch."
        ),
        """
        SELECT movement.id AS cash_movement_id, closing.id AS cash_session_closing_id
        FROM receivables_cashmovement movement
        JOIN receivables_cashsessionclosing closing ON closing.id = movement.session_difference_of_id
        JOIN receivables_cashsession session ON session.id = closing.session_id
        JOIN receivables_ledgeraccount account ON account.id = movement.account_id
        WHERE movement.session_id IS NOT NULL OR account.branch_id <> session.branch_id
        ORDER BY movement.id
        """,
    )
    yield from ask(
        "B7",
        _(
            "The difference of session closing %(cash_session_closing_id)s is posted %(movements)s times in account "
            "%(ledger_account_id)s."
        ),
        """
        SELECT session_difference_of_id AS cash_session_closing_id, account_id AS ledger_account_id,
               COUNT(*) AS movements
        FROM receivables_cashmovement
        WHERE session_difference_of_id IS NOT NULL AND status = 'posted' AND reverses_id IS NULL
        GROUP BY session_difference_of_id, account_id
        HAVING COUNT(*) > 1
        ORDER BY session_difference_of_id, account_id
        """,
    )


# B9


def accounts_are_explained() -> Iterator[Violation]:
    """B9, per account: Σ movements − (live receipt money + ordinary movements) = Σ open known differences (G.4).

    A movement is, the first that fits, an opposite (`reverses`), a first debit (`first_debit_of`), a clearing
    (`clears`), a receipt's (`receipt` and no `reversal`) or ordinary. A first debit is never reversed nor anything
    else, and a clearing is in the account of its record. Live receipt money = the receipts' posted movements − the
    settled amounts of closed-cash records; reversed movements and their opposites cancel out. An open known
    difference = the record's known difference + its posted clearings.
    Each record is computed again: settled amount = the posted receipt movements of the reversed share in that account,
    known difference = settled amount − first debit, which clearings bring to zero and not past it. And each title's
    live allocations of a receipt are live in cash.
    """
    yield from ask(
        "B9",
        _(
            "Account %(account_id)s: R$ %(unexplained_cents)s is neither live receipt money nor an ordinary movement; "
            "the open known differences are R$ %(known_cents)s."
        ),
        """
        WITH movement AS (
            SELECT account_id, clears_id, CENTS(amount) AS cents, status,
                   CASE WHEN reverses_id IS NOT NULL THEN 'opposite'
                        WHEN first_debit_of_id IS NOT NULL THEN 'first debit'
                        WHEN clears_id IS NOT NULL THEN 'clearing'
                        WHEN receipt_id IS NOT NULL AND reversal_id IS NULL THEN 'receipt'
                        ELSE 'ordinary' END AS role
            FROM receivables_cashmovement
        ), moved AS (
            SELECT account_id, SUM(cents) AS total,
                   SUM(CASE WHEN role IN ('receipt', 'ordinary') AND status = 'posted' THEN cents ELSE 0 END)
                       AS explained
            FROM movement GROUP BY account_id
        ), recorded AS (
            SELECT account_id, SUM(CENTS(settled_amount)) AS settled, SUM(CENTS(known_difference)) AS known
            FROM receivables_closedcashreversal GROUP BY account_id
        ), cleared AS (
            SELECT record.account_id, SUM(movement.cents) AS cents
            FROM movement JOIN receivables_closedcashreversal record ON record.id = movement.clears_id
            WHERE movement.role = 'clearing' AND movement.status = 'posted' GROUP BY record.account_id
        )
        SELECT * FROM (
            SELECT account.id AS account_id,
                   COALESCE(moved.total, 0) - COALESCE(moved.explained, 0) + COALESCE(recorded.settled, 0)
                       AS unexplained_cents,
                   COALESCE(recorded.known, 0) + COALESCE(cleared.cents, 0) AS known_cents
            FROM receivables_ledgeraccount account
            LEFT JOIN moved ON moved.account_id = account.id
            LEFT JOIN recorded ON recorded.account_id = account.id
            LEFT JOIN cleared ON cleared.account_id = account.id
        ) account
        WHERE unexplained_cents <> known_cents
        ORDER BY account_id
        """,
    )
    yield from ask(
        "B9",
        _("First debit %(cash_movement_id)s of a closed-cash reversal is reversed, or something else besides."),
        """
        SELECT id AS cash_movement_id FROM receivables_cashmovement
        WHERE first_debit_of_id IS NOT NULL
          AND (status <> 'posted' OR reverses_id IS NOT NULL OR clears_id IS NOT NULL OR receipt_id IS NOT NULL)
        ORDER BY id
        """,
    )
    yield from ask(
        "B9",
        _(
            "Record %(closed_cash_reversal_id)s of the closed cash states R$ %(settled_cents)s settled; the reversed "
            "share is R$ %(share_cents)s in that account."
        ),
        """
        SELECT * FROM (
            SELECT record.id AS closed_cash_reversal_id, CENTS(record.settled_amount) AS settled_cents,
                   COALESCE(SUM(CENTS(movement.amount)), 0) AS share_cents
            FROM receivables_closedcashreversal record
            JOIN receivables_reversal reversal ON reversal.id = record.reversal_id
            LEFT JOIN receivables_cashmovement movement
              ON movement.receipt_id = reversal.receipt_id AND movement.account_id = record.account_id
             AND (reversal.title_id IS NULL OR movement.title_id = reversal.title_id)
             AND movement.reverses_id IS NULL AND movement.reversal_id IS NULL AND movement.status = 'posted'
            GROUP BY record.id, record.settled_amount
        ) record
        WHERE settled_cents <> share_cents
        ORDER BY closed_cash_reversal_id
        """,
    )
    yield from ask(
        "B9",
        _(
            "Record %(closed_cash_reversal_id)s of the closed cash states a known difference of R$ %(known_cents)s; "
            "settled amount less first debit is R$ %(computed_cents)s."
        ),
        """
        SELECT id AS closed_cash_reversal_id, CENTS(known_difference) AS known_cents,
               CENTS(settled_amount) - CENTS(first_debit_amount) AS computed_cents
        FROM receivables_closedcashreversal
        WHERE CENTS(known_difference) <> CENTS(settled_amount) - CENTS(first_debit_amount)
        ORDER BY id
        """,
    )
    yield from ask(
        "B9",
        _(
            "Known difference %(closed_cash_reversal_id)s is of R$ %(known_cents)s; posted clearings leave "
            "R$ %(left_cents)s of it."
        ),
        """
        SELECT * FROM (
            SELECT record.id AS closed_cash_reversal_id, CENTS(record.known_difference) AS known_cents,
                   CENTS(record.known_difference) + SUM(CENTS(movement.amount)) AS left_cents
            FROM receivables_closedcashreversal record
            JOIN receivables_cashmovement movement ON movement.clears_id = record.id
            WHERE movement.status = 'posted' AND movement.reverses_id IS NULL
            GROUP BY record.id, record.known_difference
        ) record
        WHERE left_cents * known_cents < 0 OR ABS(left_cents) > ABS(known_cents)
        ORDER BY closed_cash_reversal_id
        """,
    )
    yield from ask(
        "B9",
        _(
            "Receipt %(receipt_id)s has R$ %(cash_cents)s of live cash for title %(title_id)s and "
            "R$ %(allocated_cents)s of live allocations."
        ),
        """
        SELECT receipt_id, title_id, SUM(cash) AS cash_cents, SUM(allocated) AS allocated_cents
        FROM (
            SELECT receipt_id, title_id, CENTS(amount) AS cash, 0 AS allocated
            FROM receivables_cashmovement
            WHERE receipt_id IS NOT NULL AND title_id IS NOT NULL AND reverses_id IS NULL AND reversal_id IS NULL
              AND status = 'posted'
            UNION ALL
            SELECT reversal.receipt_id, reversal.title_id, -CENTS(record.settled_amount), 0
            FROM receivables_closedcashreversal record
            JOIN receivables_reversal reversal ON reversal.id = record.reversal_id
            WHERE reversal.title_id IS NOT NULL
            UNION ALL
            SELECT allocation.receipt_id, allocation.title_id, 0,
                   CENTS(allocation.principal) + CENTS(allocation.interest) + CENTS(allocation.fine)
            FROM receivables_receiptallocation allocation
            LEFT JOIN receivables_reversalline undone ON undone.allocation_id = allocation.id
            WHERE undone.allocation_id IS NULL
        ) share
        GROUP BY receipt_id, title_id
        HAVING SUM(cash) <> SUM(allocated)
        ORDER BY receipt_id, title_id
        """,
    )


# B11


def credits_are_covered() -> Iterator[Violation]:
    """B11: per customer granted − used − refunded − revoked ≥ 0, and the same of each branch's suspense (G.5).

    What names its granted entry (`source`) never takes more than was granted in it, nor is more granted again from it.
    What left the suspense because its owner was identified was granted to him, to the cent.
    An entry that moved cash has its whole amount posted: a debit, or a credit where it was granted again.
    """
    yield from ask(
        "B11",
        _("Customer %(customer_id)s has spent R$ %(short_cents)s more than was granted."),
        """
        SELECT customer_id, -SUM(CASE WHEN kind = 'granted' THEN CENTS(amount) ELSE -CENTS(amount) END) AS short_cents
        FROM receivables_customercredit
        WHERE customer_id IS NOT NULL
        GROUP BY customer_id
        HAVING SUM(CASE WHEN kind = 'granted' THEN CENTS(amount) ELSE -CENTS(amount) END) < 0
        ORDER BY customer_id
        """,
    )
    yield from ask(
        "B11",
        _("R$ %(short_cents)s more than came in has left the suspense of branch %(branch_id)s."),
        """
        SELECT branch_id, -SUM(CASE WHEN kind = 'granted' THEN CENTS(amount) ELSE -CENTS(amount) END) AS short_cents
        FROM receivables_customercredit
        WHERE customer_id IS NULL
        GROUP BY branch_id
        HAVING SUM(CASE WHEN kind = 'granted' THEN CENTS(amount) ELSE -CENTS(amount) END) < 0
        ORDER BY branch_id
        """,
    )
    yield from ask(
        "B11",
        _(
            "Credit %(customer_credit_id)s granted R$ %(amount_cents)s; R$ %(spent_cents)s was spent and "
            "R$ %(again_cents)s granted again from it."
        ),
        """
        SELECT * FROM (
            SELECT entry.id AS customer_credit_id, CENTS(entry.amount) AS amount_cents,
                   SUM(CASE WHEN later.kind = 'granted' THEN 0 ELSE CENTS(later.amount) END) AS spent_cents,
                   SUM(CASE WHEN later.kind = 'granted' THEN CENTS(later.amount) ELSE 0 END) AS again_cents
            FROM receivables_customercredit entry
            JOIN receivables_customercredit later ON later.source_id = entry.id
            GROUP BY entry.id, entry.amount
        ) entry
        WHERE spent_cents > amount_cents OR again_cents > amount_cents
        ORDER BY customer_credit_id
        """,
    )
    yield from ask(
        "B11",
        _(
            "R$ %(left_cents)s of suspense %(customer_credit_id)s was identified; R$ %(granted_cents)s was granted to "
            "its owner."
        ),
        """
        SELECT * FROM (
            SELECT entry.id AS customer_credit_id,
                   SUM(CASE WHEN later.kind = 'identified' THEN CENTS(later.amount) ELSE 0 END) AS left_cents,
                   SUM(CASE WHEN later.kind = 'granted' AND later.customer_id IS NOT NULL THEN CENTS(later.amount)
                       ELSE 0 END) AS granted_cents
            FROM receivables_customercredit entry
            JOIN receivables_customercredit later ON later.source_id = entry.id
            WHERE entry.customer_id IS NULL AND entry.kind = 'granted'
            GROUP BY entry.id
        ) entry
        WHERE left_cents <> granted_cents
        ORDER BY customer_credit_id
        """,
    )
    yield from ask(
        "B11",
        _(
            "Credit entry %(customer_credit_id)s is of R$ %(amount_cents)s; its cash movement %(cash_movement_id)s "
            "(%(status)s) moved R$ %(moved_cents)s."
        ),
        """
        SELECT entry.id AS customer_credit_id, movement.id AS cash_movement_id, movement.status,
               CENTS(entry.amount) AS amount_cents, CENTS(movement.amount) AS moved_cents
        FROM receivables_customercredit entry
        JOIN receivables_cashmovement movement ON movement.id = entry.movement_id
        WHERE CENTS(movement.amount) <> CASE WHEN entry.kind = 'granted' THEN CENTS(entry.amount)
                                             ELSE -CENTS(entry.amount) END
           OR movement.status <> 'posted'
        ORDER BY entry.id
        """,
    )


CHECKS += [
    Check("B2", gettext_noop("Each receipt: tenders = allocated + credit + suspense"), receipts_are_whole),
    Check("B3", gettext_noop("Balances and received amounts follow the live allocations"), balances_follow_receipts),
    Check("B4", gettext_noop("A title's status is the fold of its installments"), titles_fold),
    Check("B5", gettext_noop("Receipts and reversals have their cash movements"), cash_follows_receipts),
    Check("B6", gettext_noop("Each change of status has its history, with actor and channel"), statuses_have_history),
    Check("B7", gettext_noop("Closed days and sessions are what was closed plus supplements"), closings_hold),
    Check("B9", gettext_noop("Each account is explained up to its open known differences"), accounts_are_explained),
    Check("B11", gettext_noop("No more credit is spent than was granted"), credits_are_covered),
]
