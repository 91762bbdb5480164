"""A till's shadow copy, as the contract's reader would write it: snapshot, then changes, only higher versions count."""

from typing import Any

from tests.pos_sync.door import Till, body_of

Row = dict[str, Any]


class Shadow:
    """What a till holds of the books; `pull` reads until there is no more."""

    def __init__(self, till: Till, *, limit: int = 500) -> None:
        self.till, self.limit = till, limit
        self.installments: dict[str, Row] = {}
        self.customers: dict[str, Row] = {}
        self.terms: dict[str, Row] = {}
        self.results: dict[str, Row] = {}
        self.gone: dict[str, str] = {}
        self.cursor, self.horizon, self.pages = "", "", 0
        self.through_seq, self.applied_above = 0, []
        self.take_snapshot()

    def take_snapshot(self) -> None:
        self.installments, self.customers, self.terms = {}, {}, {}
        page = first = body_of(self.till.get("snapshot", limit=self.limit))
        while True:
            self._upsert(page["installments"], page["customers"])
            if not page["page_token"]:
                break
            page = body_of(self.till.get("snapshot", page_token=page["page_token"]))
        self.terms |= {row["id"]: row for row in first["terms"]}
        self.cursor, self.horizon = first["cursor"], first["horizon"]
        self.through_seq, self.applied_above = first["through_seq"], first["applied_above"]
        assert len(self.installments) == first["expected"]["installments"]

    def pull(self) -> list[Row]:
        """Apply all that is new; give the answers."""
        answers = []
        while True:
            response = self.till.get("changes", cursor=self.cursor, limit=self.limit)
            assert response.status_code == 200, body_of(response)
            page = body_of(response)
            answers.append(page)
            self.apply(page)
            if not page["more"]:
                self.through_seq, self.applied_above = page["through_seq"], page["applied_above"]
                return answers

    def apply(self, page: Row) -> None:
        gone = [row for row in page["installments"] if "gone" in row]
        self._upsert([row for row in page["installments"] if "gone" not in row], page["customers"])
        for row in gone:
            held = self.installments.get(row["id"])
            if held is not None and row["version"] > held["version"]:
                del self.installments[row["id"]]
            self.gone[row["id"]] = row["gone"]
        self.terms |= {row["id"]: row for row in page["terms"]}
        self.results |= {row["op_id"]: row for row in page["results"]}
        self.cursor, self.horizon = page["cursor"], page["horizon"]
        self.pages += 1

    def _upsert(self, installments: list[Row], customers: list[Row]) -> None:
        for rows, held in ((installments, self.installments), (customers, self.customers)):
            for row in rows:
                if row["id"] not in held or row["version"] > held[row["id"]]["version"]:
                    held[row["id"]] = row

    def disagreements(self) -> list[str]:
        """Compare with a fresh snapshot of another reader: every row, its customer and its terms."""
        server = Shadow(self.till)
        wrong = []
        for noun in ("installments", "customers", "terms"):
            mine, theirs = getattr(self, noun), getattr(server, noun)
            wrong += [f"{noun} {key}: {mine.get(key)} is {row}" for key, row in theirs.items() if mine.get(key) != row]
        extra = self.installments.keys() - server.installments.keys()
        return wrong + [f"installment {key} is not in the window" for key in extra]

    def figures(self, **members: Any) -> Row:
        balance = sum(row["balance_cents"] for row in self.installments.values())
        return {"cursor": self.cursor, "installments": len(self.installments), "balance_cents": balance} | members
