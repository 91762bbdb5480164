"""People in the back office, in a process of their own: they settle, reverse, cancel and issue what tills receive too.

`python -m tests.chaos.real.back_office FOLDER SEED`, until FOLDER/stop appears. What a person is about to do is in the
journal, on the disk, before it is done, under a mark that the ledger's row bears as well; then how it ended.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import django

from pos_sync.simulator import Journal
from pos_sync.simulator.journal import Json

DONE, REFUSED, UNKNOWN = "done", "refused", "unknown"
BREATH_SECONDS = 0.15
HOT, JUST_PAID = 0.6, 40
LEAST_AMOUNT = Decimal("1.00")


class Desk:
    """One person at a time: an intention, what it became, and what an earlier life left open."""

    def __init__(self, folder: Path, *, seed: str) -> None:
        from receivables.models import Actor

        self._journal = Journal(folder / "journal.jsonl")
        lives = sum(entry["event"] == "born" for entry in self._journal.entries)
        self._journal.write("born", life=lives + 1)
        self._life, self._count = lives + 1, 0
        self._rng = Random(f"{seed}/back office/{lives}")
        self._person = Actor(name="ana", channel="back_office")

    def finish_what_was_begun(self) -> None:
        """Send a batch whose answer nobody saw again, under its own key; look at nothing else again."""
        ended = {entry["mark"] for entry in self._journal.entries if entry["event"] == "end"}
        for entry in list(self._journal.entries):
            if entry["event"] == "intent" and entry["mark"] not in ended:
                again = entry["verb"] == "settle_all"
                self._attempt(entry["mark"], (lambda e=entry: self._settle_all(e)) if again else None)

    def act(self) -> None:
        """Do one thing to one title of the branches."""
        verbs: list[tuple[int, Callable[[Any], Json | None]]] = [
            (30, self._means_to_settle_all), (30, self._means_to_settle_part), (25, self._means_to_reverse),
            (3, self._means_to_cancel), (12, self._means_to_issue),
        ]  # fmt: skip
        means = self._rng.choices([verb for _, verb in verbs], weights=[weight for weight, _ in verbs])[0]
        installment = self._somebody()
        intent = means(installment) if installment else None
        if intent is None:
            return
        self._count += 1
        intent |= {"mark": f"chaos-{self._life}-{self._count}"}
        self._journal.write("intent", **intent)
        doing: Callable[[Json], Json] = getattr(self, f"_{intent['verb']}")
        self._attempt(intent["mark"], lambda: doing(intent))

    def _somebody(self) -> Any:
        """Pick an installment: one that somebody has just paid, or any."""
        from receivables.models import Installment, ReceiptAllocation

        if self._rng.random() < HOT:
            ids = list(ReceiptAllocation.objects.order_by("-pk").values_list("installment", flat=True)[:JUST_PAID])
        else:
            rows = Installment.objects.filter(title__document_number__startswith="CHAOS").order_by("pk")
            start = self._rng.randrange(max(1, rows.count()))
            ids = list(rows.values_list("pk", flat=True)[start : start + 1])
        rows = Installment.objects.select_related("title__collecting_branch", "terms")
        return rows.filter(pk=self._rng.choice(ids)).first() if ids else None

    def _attempt(self, mark: str, do: Callable[[], Json] | None) -> None:
        """Do it and write down how it ended; of what the database broke off, nobody knows."""
        from django.db import Error, connection

        from receivables.domain.errors import RuleBroken

        end: Json = {"how": UNKNOWN}
        if do is not None:
            try:
                end = {"how": DONE, **do()}
            except RuleBroken as refusal:
                end = {"how": REFUSED, "code": refusal.code}
            except Error as failure:
                end = {"how": UNKNOWN, "error": type(failure).__name__}
            finally:
                connection.close()
        self._journal.write("end", mark=mark, **end)

    # What a person means to do, as the screen shows it now

    def _means_to_settle_all(self, installment: Any) -> Json | None:
        from receivables.services.settlement import quote

        seen = quote(title_ids=[installment.title_id], on=_today())
        total = sum((one.installment.balance + one.charges.total for one in seen), Decimal(0))
        return {"verb": "settle_all", "title": installment.title_id, "amount": str(total)} if total else None

    def _means_to_settle_part(self, installment: Any) -> Json | None:
        if installment.balance < LEAST_AMOUNT:
            return None
        part = (installment.balance * self._rng.randint(5, 90) / 100).quantize(Decimal("0.01"))
        return {"verb": "settle_part", "installment": installment.pk, "amount": str(part)}

    def _means_to_reverse(self, installment: Any) -> Json | None:
        from receivables.services.reversal import newest_live_receipt

        newest = newest_live_receipt(title_id=installment.title_id)
        return {"verb": "reverse", "title": installment.title_id, "receipt": newest.pk} if newest else None

    def _means_to_cancel(self, installment: Any) -> Json | None:
        return {"verb": "cancel", "title": installment.title_id}

    def _means_to_issue(self, installment: Any) -> Json | None:
        return {
            "verb": "issue",
            "like": installment.title_id,
            "amount": str(self._rng.randint(500, 90_000) / Decimal(100)),
        }

    # What the services do

    def _settle_all(self, intent: Json) -> Json:
        from receivables.services.settlement import settle_titles

        receipts = settle_titles(
            expected={intent["title"]: Decimal(intent["amount"])}, notes=intent["mark"], idempotency_key=intent["mark"],
            **self._deposit(), **self._who(),
        )  # fmt: skip
        return {"receipts": [row.pk for row in receipts]}

    def _settle_part(self, intent: Json) -> Json:
        from receivables.services.settlement import settle_installment

        receipt = settle_installment(
            installment_id=intent["installment"], received=Decimal(intent["amount"]), notes=intent["mark"],
            **self._deposit(), **self._who(),
        )  # fmt: skip
        return {"receipts": [receipt.pk]}

    def _reverse(self, intent: Json) -> Json:
        from receivables.services.reversal import reverse_share

        reversal = reverse_share(
            title_id=intent["title"], receipt_id=intent["receipt"], reason=f"Lançado por engano {intent['mark']}",
            **self._who(),
        )  # fmt: skip
        return {"reversal": reversal.pk}

    def _cancel(self, intent: Json) -> Json:
        from receivables.services.title import cancel_title

        reason = f"Venda desfeita {intent['mark']}"
        return {"title": cancel_title(title_id=intent["title"], reason=reason, by=self._person).pk}

    def _issue(self, intent: Json) -> Json:
        from receivables.models import Title
        from receivables.services.title import Part, issue_title

        model = Title.objects.get(pk=intent["like"])
        names = ("entry_branch", "issuing_branch", "collecting_branch", "bill_to", "account", "issued_on")
        fields = {name: getattr(model, name) for name in names} | {"document_number": f"CHAOS {intent['mark']}"}
        due = _today() + timedelta(days=self._rng.randint(-5, 25))
        title = issue_title(
            fields=fields, parts=[Part(due_date=due, amount=Decimal(intent["amount"]))], by=self._person
        )
        return {"title": title.pk}

    def _deposit(self) -> dict[str, Any]:
        from receivables.services.settlement import Deposit

        today = _today()
        return {"received_on": today, "deposit": Deposit(method_code="cash", cash_date=today)}

    def _who(self) -> dict[str, Any]:
        from django.utils import timezone

        return {"by": self._person, "now": timezone.now(), "on": _today()}


def _today() -> Any:
    from django.utils import timezone

    return timezone.localdate()


def main(folder: str, seed: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from django.db import Error, connection

    desk = Desk(Path(folder), seed=seed)
    desk.finish_what_was_begun()
    while not (Path(folder) / "stop").exists():
        try:
            desk.act()
        except Error:  # nothing was meant yet: the screen could not be shown
            connection.close()
            time.sleep(1)
        time.sleep(BREATH_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
