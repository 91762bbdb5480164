"""Row locks in one order (G.20).

Inbox → divergence → accounts, cash days → titles by id → installments by id → their bank slips → customer credit.
"""

from collections.abc import Collection
from datetime import date

from receivables.models import BankSlip, Customer, Holiday, Installment, LedgerAccount, SlipStatus, Terms, Title


def lock_accounts(ids: Collection[int]) -> None:
    """Lock accounts by id: who holds one sees its days as they are, those that nobody has made yet included (G.11)."""
    list(LedgerAccount.objects.locked().filter(pk__in=ids).only("pk"))


def lock_titles(ids: Collection[int]) -> dict[int, Title]:
    """Lock titles by id; those that do not exist are simply absent."""
    return {title.pk: title for title in Title.objects.locked().filter(pk__among=set(ids))}


def lock_titles_of(installment_ids: Collection[int]) -> dict[int, Title]:
    """Lock, by id, the titles of installments."""
    if not installment_ids:
        return {}
    paid = Installment.objects.filter(pk__among=installment_ids).values("title")
    return {title.pk: title for title in Title.objects.locked().filter(pk__in=paid)}


def lock_installments_of(titles: dict[int, Title]) -> dict[int, Installment]:
    """Lock every installment of locked titles: a title's status is the fold of them all."""
    installments = {row.pk: row for row in Installment.objects.locked().filter(title__among=titles.keys())}
    terms = Terms.objects.in_bulk({row.terms_id for row in installments.values()})
    title, agreed = Installment.title.field, Installment.terms.field
    for row in installments.values():
        title.set_cached_value(row, titles[row.title_id])
        agreed.set_cached_value(row, terms[row.terms_id])
    return installments


def lock_live_slip(installment: Installment) -> BankSlip | None:
    """Lock the slip by which the bank collects a locked installment, None when there is none."""
    return BankSlip.objects.locked().filter(installment=installment).exclude(status=SlipStatus.SUPERSEDED).first()


def lock_customer(customer_id: int) -> Customer:
    """Lock a customer's credit, which has no row of its own."""
    return Customer.objects.locked().get(pk=customer_id)


def local_holidays() -> frozenset[date]:
    """Give the bank holidays beside the national ones (G.17)."""
    return Holiday.days()
