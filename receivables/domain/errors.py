"""The broken rules that domain and services name: class, stable code, facts and a sentence that says what to do next.

Each error is told in English here; edges translate the sentence and show the facts in the reader's language.
"""

import re
from collections.abc import Callable
from functools import partial
from string import Formatter
from typing import ClassVar, Self


def gettext_noop(message: str) -> str:
    """Mark a sentence for the translation catalogue without translating it."""
    return message


class RuleBroken(Exception):
    """A rule of the business refused an intention; `code` never changes once a till has seen it."""

    code: ClassVar[str] = "rule_broken"
    message: ClassVar[str] = gettext_noop("A rule does not allow this. Check what you entered and try again.")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, **facts: object) -> None:
        """Keep the facts that the sentence names; raises TypeError when one is missing."""
        missing = {place for _, place, _, _ in Formatter().parse(self.message) if place} - facts.keys()
        if missing:
            raise TypeError(f"{type(self).__name__} needs the facts {sorted(missing)}")
        super().__init__(self.code)
        self.facts = facts

    def __str__(self) -> str:
        return self.explain()

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        return partial(type(self), **self.facts), ()

    def explain(
        self, *, translate: Callable[[str], str] = gettext_noop, show: Callable[[object], str] | None = None
    ) -> str:
        """Tell the rule and the way out: `translate` turns the sentence, `show` writes each fact for the reader."""
        write = show or _written_plainly
        return translate(self.message).format_map({name: write(fact) for name, fact in self.facts.items()})


def _written_plainly(fact: object) -> str:
    if isinstance(fact, list | tuple | set | frozenset):
        return ", ".join(sorted(map(str, fact)) if isinstance(fact, set | frozenset) else map(str, fact))
    return str(fact)


# Amounts


class InexactAmount(RuleBroken):
    message = gettext_noop("{amount} is not a whole number of cents. Write the amount with two decimal places.")


class InvalidAmount(RuleBroken):
    message = gettext_noop("“{text}” is not an amount in reais. Write it like 1.234,56.")


class AmountTooLarge(RuleBroken):
    message = gettext_noop("{amount} is above the largest amount accepted, {most}. Check the decimal comma.")


class AmountNotPositive(RuleBroken):
    message = gettext_noop("{field} must be greater than zero. Enter at least one cent.")


class PercentNegative(RuleBroken):
    message = gettext_noop("{field} is negative. Enter zero or a positive percentage.")


class PercentTooLarge(RuleBroken):
    message = gettext_noop("{field} is above {most}%. Check the decimal comma and enter a lower percentage.")


class InexactPercent(RuleBroken):
    message = gettext_noop("{field} has more than {places} decimal places. Enter it with fewer.")


class PartsNotPositive(RuleBroken):
    message = gettext_noop("An amount cannot be split into {parts} parts. Choose one part or more.")


class PartBelowOneCent(RuleBroken):
    message = gettext_noop("{total} in {parts} parts leaves a part below one cent. Choose fewer parts.")


class AmountAboveBalance(RuleBroken):
    message = gettext_noop(
        "{amount} is above the balance {balance} of installment {installment}. Enter at most the balance."
    )


class AmountNotClosing(RuleBroken):
    message = gettext_noop(
        "{received} does not close the balance: {due} is due. Enter the amount due or settle it in part."
    )


class ChargesAboveDue(RuleBroken):
    message = gettext_noop(
        "Interest and fine may be at most what is due: {interest} and {fine}. Enter these amounts or lower ones."
    )


class DiscountAboveLimit(RuleBroken):
    message = gettext_noop(
        "The discount {discount} is above the limit {limit}. "
        "Lower it or ask someone who may grant discounts above the limit."
    )


class CreditNotEnough(RuleBroken):
    message = gettext_noop(
        "The customer has {available} of credit and {asked} was asked. Enter at most the credit available."
    )


# Titles, installments and receipts


class MoveRefused(RuleBroken):
    message = gettext_noop(
        "{noun} is {status} and does not accept “{verb}”. Open it again and choose one of the actions it offers."
    )


class InstallmentNotOpen(RuleBroken):
    message = gettext_noop(
        "Installment {installment} is {status}. Choose an open installment or reverse its newest receipt first."
    )


class TitleNotOpen(RuleBroken):
    message = gettext_noop("Title {title} is {status} and receives nothing more. Choose an open title.")


class TitleNotPending(RuleBroken):
    message = gettext_noop(
        "Title {title} is {status}: only a pending title can be changed. Reverse its receipts first, if it has any."
    )


class TitleNotSettled(RuleBroken):
    message = gettext_noop(
        "Title {title} is {status}: only a settled title is reversed here. "
        "Reverse single parts under Partial settlement, the newest first."
    )


class SeveralInstallments(RuleBroken):
    """`field` is the amount or the due date, which belong to each installment of the title (G.21)."""

    message = gettext_noop(
        "Title {title} has {count} installments, and {field} belongs to each of them. "
        "Use Change due dates; for other amounts cancel the title and issue it again."
    )


class DueAfterPresentation(RuleBroken):
    message = gettext_noop(
        "A title payable on presentation falls due until {last}, 15 days after its issue, because of the due date "
        "factor of its slip. Enter that date or an earlier one."
    )


class PresentationInParts(RuleBroken):
    message = gettext_noop(
        "A title payable on presentation has one installment, and {parts} were asked. "
        "Choose one installment or untick payable on presentation."
    )


class TitleHasReceipts(RuleBroken):
    message = gettext_noop("Title {title} has receipts. Reverse them before cancelling it.")


class ChangedMeanwhile(RuleBroken):
    message = gettext_noop("{what} was changed by someone else meanwhile. Open it again and redo your change.")


class NothingReceived(RuleBroken):
    message = gettext_noop(
        "Title {title} is {status}: nothing was received, so there is nothing to reverse. To receive it, use Settle."
    )


class NothingToReverse(RuleBroken):
    message = gettext_noop("Receipt {receipt} has nothing left to reverse in title {title}. Open the title again.")


class DuplicateTitle(RuleBroken):
    message = gettext_noop(
        "Branch {branch} already has a title with the document {document}. Open that title or use another number."
    )


class BatchChanged(RuleBroken):
    message = gettext_noop(
        "Nothing was settled, because these titles changed meanwhile: {titles}. Check them and settle again."
    )


class PartialNotAllowed(RuleBroken):
    message = gettext_noop("Title {title} may not be settled in part. Receive the whole amount due.")


class NewerReceiptFirst(RuleBroken):
    message = gettext_noop("A newer receipt came after this one. Reverse receipt {receipt} first.")


class AlreadyReversed(RuleBroken):
    message = gettext_noop("{what} has already been reversed. Open it again to see the reversal.")


class ReceiptBeforeIssue(RuleBroken):
    message = gettext_noop(
        "The receipt date {received_on} is before the issue date {issued_on}. Enter the issue date or a later one."
    )


class DateInFuture(RuleBroken):
    message = gettext_noop("{field} {day} is in the future. Enter today's date or an earlier one.")


class DateTooFarAhead(RuleBroken):
    message = gettext_noop("{field} {day} is too far ahead. Enter {last} or an earlier date.")


class SlipAlreadyLive(RuleBroken):
    message = gettext_noop(
        "Installment {installment} already has a bank slip. Use New bank collection to put another in its place."
    )


class InstallmentNotPending(RuleBroken):
    message = gettext_noop(
        "Installment {installment} is {status}: only a pending one gets a new bank collection. "
        "Reverse its receipts first, if it has any."
    )


class NoLiveSlip(RuleBroken):
    message = gettext_noop(
        "Installment {installment} has no bank slip that a new bank collection could replace. "
        "Change its due date on the title, or issue a slip."
    )


class NothingToReissue(RuleBroken):
    message = gettext_noop(
        "Title {title} has no pending installment with a bank slip. Open it again to see what became of its slips."
    )


class NewDueDateBeforeToday(RuleBroken):
    message = gettext_noop("The new due date {day} is before today. Enter today's date or a later one.")


class WriteOffNotRequested(RuleBroken):
    message = gettext_noop(
        "The bank still collects the slip {our_number}. Request its write-off from the bank and tick that you did."
    )


class InvalidDocument(RuleBroken):
    message = gettext_noop("“{document}” is not a valid CPF or CNPJ. Check each character and enter it again.")


# Cash and banks


class CashDayClosed(RuleBroken):
    message = gettext_noop(
        "The cash of account {account} is closed on {day}. Choose an open day or ask for this one to be reopened."
    )


class CashDayNotClosed(RuleBroken):
    message = gettext_noop("The cash of this day is not closed. Open the screen again and choose from what it offers.")


class SessionStillOpen(RuleBroken):
    message = gettext_noop("Session {session} is still open at its till. Its difference is posted once it is closed.")


class NoDifferenceToPost(RuleBroken):
    message = gettext_noop("Session {session} leaves no difference in account {account}. Look at its count again.")


class SessionDifferencePosted(RuleBroken):
    message = gettext_noop(
        "The difference of session {session} is already posted in account {account}. Reverse that movement first."
    )


class EarlierDayOpen(RuleBroken):
    message = gettext_noop(
        "Account {account} cannot be closed on {day}, because {earlier} is still open. Close {earlier} first."
    )


class LaterDayClosed(RuleBroken):
    message = gettext_noop(
        "Account {account} cannot be reopened on {day}, because {later} is closed. Reopen {later} first."
    )


class CountRequired(RuleBroken):
    message = gettext_noop(
        "Account {account} is counted blind. Count the day {day} first; then close it with what you counted."
    )


class CountOutdated(RuleBroken):
    message = gettext_noop("Account {account} was moved on {day} after the count. Count this day again.")


class MethodNotCounted(RuleBroken):
    message = gettext_noop("{method} was not counted. Enter what there is of it, 0,00 where there is nothing.")


class AmountAboveDifference(RuleBroken):
    message = gettext_noop(
        "{amount} is more than remains of this difference, {remaining}. Enter at most what remains, "
        "with a history code that brings it down."
    )


class DifferenceCountedAgain(RuleBroken):
    message = gettext_noop(
        "What was missing or left over in account {account} on {day} is in the count of {later} as well. "
        "Post the difference of {later}."
    )


class OwnerOutOfReach(RuleBroken):
    message = gettext_noop("{person} does not work in branch {branch}. Choose a colleague of that branch.")


class WrongDirection(RuleBroken):
    """`direction` is the one that the history code has, which is not the one needed."""

    message = gettext_noop(
        "History code {history_code} is for a {direction}. Choose a history code of the opposite direction."
    )


class PaymentMethodNotSetUp(RuleBroken):
    message = gettext_noop(
        "Branch {branch} has no account for the payment method “{method}”. "
        "Set it up under payment methods of the branches."
    )


class CreditIsSpentByItself(RuleBroken):
    message = gettext_noop(
        "The credit of a customer is spent with “use credit”, which takes it from what is available. "
        "Choose another payment method here."
    )


class InactiveCode(RuleBroken):
    message = gettext_noop("Code {code} is inactive. Choose an active one.")


class WrongAccount(RuleBroken):
    message = gettext_noop("Account {account} is not the one of the settlement. Use account {expected}.")


class MovementDateBeforeLiquidation(RuleBroken):
    message = gettext_noop(
        "The movement date {day} is before the settlement of {liquidation}. Enter that date or a later one."
    )


class MovementBelongsToReceipt(RuleBroken):
    message = gettext_noop("This movement belongs to receipt {receipt}. Reverse the receipt instead.")


class MovementBelongsToCredit(RuleBroken):
    message = gettext_noop(
        "This movement uses or refunds a customer's credit. Reverse the receipt that the credit paid; "
        "a refund stays as it was made."
    )


class OptionRequired(RuleBroken):
    message = gettext_noop(
        "The cash of account {account} is closed on {day}. "
        "Choose between debiting the account and reversing without debit."
    )


class DebitRequired(RuleBroken):
    message = gettext_noop("The first debit is missing. Enter it or choose to reverse without debit.")


# Divergences


class DivergenceResolved(RuleBroken):
    message = gettext_noop("{person} resolved this divergence at {at}: {outcome}. Nothing was done a second time.")


class NothingPosted(RuleBroken):
    message = gettext_noop("Nothing was posted for this divergence yet. Approve or reject what waits instead.")


class MoneyInSuspense(RuleBroken):
    message = gettext_noop("{amount} is in suspense: nobody knows whose it is. Identify the customer first.")


class NothingInSuspense(RuleBroken):
    message = gettext_noop("Nothing of this receipt is in suspense any more. Choose another outcome.")


class NothingToPlace(RuleBroken):
    message = gettext_noop("No credit of this divergence is left. Accept the difference instead.")


class CreditOfAnother(RuleBroken):
    message = gettext_noop(
        "Installment {installment} is of another customer than the credit. Choose one of the customer’s own."
    )


class SecondPersonRequired(RuleBroken):
    message = gettext_noop(
        "You proposed this yourself. Ask another person who may approve operations of tills to confirm it."
    )


class PersonRequired(RuleBroken):
    message = gettext_noop("Only a person decides this. Do it in the back office.")


# People


class ReasonTooShort(RuleBroken):
    message = gettext_noop("The reason has {length} characters. Write at least 15.")


class ReasonTooLong(RuleBroken):
    message = gettext_noop("The reason has {length} characters. Shorten it to 500.")


class NotPermitted(RuleBroken):
    message = gettext_noop("You do not have the permission {permission}. Ask a manager to do this or to grant it.")


class BranchNotYours(RuleBroken):
    message = gettext_noop("Branch {branch} is not one of yours. Ask a colleague of that branch to do this.")


class WrongPassword(RuleBroken):
    message = gettext_noop(
        "This is not your password. Type it again; after five wrong ones you wait a quarter of an hour."
    )


class WrongCode(RuleBroken):
    message = gettext_noop("This code is not right, or it was used already. Type the one that the phone shows now.")


class CodeTooSoon(RuleBroken):
    message = gettext_noop("Several codes were wrong. Wait {seconds} s and type the one that the phone shows then.")


class FactorAlreadyThere(RuleBroken):
    message = gettext_noop("{person} has a second factor already. Remove it first to use another phone.")


class FactorMissing(RuleBroken):
    message = gettext_noop("{person} has no second factor. There is nothing to remove.")


class PersonOutOfReach(RuleBroken):
    message = gettext_noop(
        "{person} works in branches that are not yours, or is an administrator. Ask an administrator to do this."
    )


class NotOnYourself(RuleBroken):
    message = gettext_noop("Nobody does this to himself. Ask another manager.")


class ConfirmationRequired(RuleBroken):
    message = gettext_noop("This needs your confirmation: {codes}. Tick that you are aware of it and send it again.")
