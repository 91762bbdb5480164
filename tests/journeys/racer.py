"""One of two processes that race: reads a call from each line of its input, makes it, and answers in one line.

An answer is {"done": …}, {"refused": code} when a rule said no, or {"failed": …} for all else, which no race expects.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import django


def main() -> None:
    """Answer calls until the input ends; whatever logs to the output goes to the errors instead."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    verbs = _verbs()
    for line in sys.stdin:
        verb, given = json.loads(line)
        print(json.dumps(_answer(verbs[verb], given)), file=answers, flush=True)


def _answer(verb: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    from django.db import connection

    from receivables.domain.errors import RuleBroken

    try:
        return {"done": verb(**given)}
    except RuleBroken as refusal:
        return {"refused": refusal.code}
    except Exception as error:  # noqa: BLE001
        return {"failed": repr(error)}
    finally:
        connection.close()


def _verbs() -> dict[str, Callable[..., Any]]:
    from pos_sync.models import Device
    from pos_sync.services.ingestion import apply_pending
    from receivables.services.cash_day import close_day, reopen_day
    from receivables.services.credit import use_credit
    from receivables.services.divergence import keep_as_credit, refund_divergence
    from receivables.services.reversal import reverse_title
    from receivables.services.settlement import settle_installment, settle_titles
    from tests.make import CASHIER, NOW, REASON, TODAY, deposit
    from tests.pos_sync.test_ingestion import Till

    person = {"by": CASHIER, "now": NOW}

    def settle_part(installment: int, amount: str, day: str = TODAY.isoformat()) -> int:
        return settle_installment(
            installment_id=installment, received=Decimal(amount), received_on=TODAY, on=TODAY,
            deposit=deposit(on=date.fromisoformat(day)), **person,
        ).pk  # fmt: skip

    def settle_all(expected: dict[str, str]) -> int:
        sums = {int(pk): Decimal(amount) for pk, amount in expected.items()}
        return len(settle_titles(expected=sums, received_on=TODAY, deposit=deposit(), on=TODAY, **person))

    def pay_with_credit(installment: int, amount: str) -> int:
        return use_credit(installment_id=installment, amount=Decimal(amount), cash_date=TODAY, on=TODAY, **person).pk

    def refund(divergence: int, customer: int, amount: str) -> int:
        return refund_divergence(
            divergence_id=divergence, customer_id=customer, amount=Decimal(amount), method_code="cash",
            cash_date=TODAY, reason=REASON, on=TODAY, **person,
        ).pk  # fmt: skip

    def push(device: int, operation: dict[str, Any]) -> tuple[str, str | None]:
        (result,) = Till(Device.objects.get(pk=device)).push(operation)
        return result["state"], result["reason"]

    return {
        "settle_part": settle_part,
        "settle_all": settle_all,
        "pay_with_credit": pay_with_credit,
        "push": push,
        "keep": lambda divergence: keep_as_credit(divergence_id=divergence, **person).pk,
        "refund": refund,
        "apply": lambda device: apply_pending(device, now=NOW),
        "reverse": lambda title: reverse_title(title_id=title, reason=REASON, on=TODAY, **person).pk,
        "close": lambda account, day: close_day(
            account_id=account, day=date.fromisoformat(day), on=TODAY, **person
        ).pk,
        "reopen": lambda account, day: reopen_day(
            account_id=account, day=date.fromisoformat(day), reason=REASON, **person
        ).pk,
    }  # fmt: skip


if __name__ == "__main__":
    main()
