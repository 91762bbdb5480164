"""The demonstration as a whole: the company of `receivables.demo`, and the tills' policies and operators beside it."""

from datetime import date
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import transaction
from django.utils.translation import gettext_noop

from pos_sync import demo_tills
from pos_sync.models import TillOperator, TillPolicy
from receivables.demo import bulk, registers, story, titles
from receivables.domain.errors import RuleBroken
from receivables.models import SYSTEM, Branch, LedgerAccount, ParameterSet, PaymentMethod, Title

PIN_ITERATIONS = 100_000
TILLS = ("01", "02")
OFFLINE_METHODS = ("cash", "card", "cheque")
MAX_RECEIPT_CENTS = 2_000_000
MAX_PENDING_CENTS = 30_000_000
# branch, code, name, PIN
OPERATORS = (
    ("001", "1001", "Rosane Pacheco", "4821"),
    ("001", "1002", "Wagner Tavares", "7395"),
    ("002", "2001", "Ivone Massaro", "6140"),
    ("002", "2002", "Cleber Fontoura", "9273"),
    ("003", "3001", "Neusa Hoffmann", "5068"),
    ("003", "3002", "Jonas Petry", "3914"),
)
SUPERVISORS = {next(code for each, code, *_ in OPERATORS if each == branch) for branch, *_ in OPERATORS}
"""The first of each branch."""


class ForeignTitles(RuleBroken):
    message = gettext_noop(
        "This database already has titles that are not the demonstration's. Use an empty database for it."
    )


def seed(*, today: date, upto: int = 0) -> dict[str, Any]:
    """Make what is missing of the demonstration, `upto` titles at least, and give what there is.

    A second time nothing is added, whatever the day. Raises ForeignTitles where other titles were there first.
    """
    with transaction.atomic():
        is_told = Title.objects.filter(document_number=titles.plan()[0].document).exists()
        if not is_told and Title.objects.exists():
            raise ForeignTitles
        staff = registers.register()
        _policies()
        _operators()
        if not is_told:
            issued = titles.issue(today=today, by=staff.finance)
            story.tell(titles=issued, staff=staff, today=today)
            demo_tills.tell(staff=staff, today=today)
    bulk.fill(upto=upto - len(titles.plan()), today=today, by=SYSTEM)
    return made()


def _policies() -> None:
    methods = PaymentMethod.objects.filter(code__in=OFFLINE_METHODS)
    for plan in registers.PARAMETER_SETS:
        policy, is_new = TillPolicy.objects.get_or_create(
            parameter_set=ParameterSet.objects.get(name=plan.name),
            defaults={
                "scope": TillPolicy.Scope.BRANCH,
                "max_receipt_cents": MAX_RECEIPT_CENTS,
                "max_pending_cents": MAX_PENDING_CENTS,
            },
        )
        if is_new:
            policy.offline_methods.set(methods)


def _operators() -> None:
    hasher = PBKDF2PasswordHasher()
    for branch, code, name, pin in OPERATORS:
        if not TillOperator.objects.filter(branch__code=branch, code=code).exists():
            pin_hash = hasher.encode(pin, hasher.salt(), iterations=PIN_ITERATIONS)
            TillOperator.objects.create(
                branch=Branch.objects.get(code=branch), code=code, name=name, pin_hash=pin_hash,
                is_supervisor=code in SUPERVISORS,
            )  # fmt: skip


def made() -> dict[str, Any]:
    """Give what the demonstration consists of, as `seed_demo --json` prints it."""
    codes = [plan.code for plan in registers.BRANCHES]
    accounts = LedgerAccount.objects.filter(branch__code__in=codes).order_by("short_code")
    return {
        "branches": list(Branch.objects.filter(code__in=codes).order_by("code").values("code", "name")),
        "logins": [
            {"user": user, "password": registers.PASSWORD, "group": group} for user, _, _, group in registers.LOGINS
        ],
        "operators": [
            {"branch": branch, "code": code, "name": name, "pin": pin, "supervisor": code in SUPERVISORS}
            for branch, code, name, pin in OPERATORS
        ],
        "tills": [{"branch": code, "till": till} for code in codes for till in TILLS],
        "accounts": [
            {"branch": account.branch.code, "code": account.short_code, "name": account.name, "kind": account.kind}
            for account in accounts.select_related("branch")
        ],
        "payment_methods": [{"code": code, "name": name} for code, name, *_ in registers.METHODS],
        "products": [{"code": code, "name": name} for code, name in registers.PRODUCTS],
        "titles": len(titles.plan()) + bulk.count(),
    }
