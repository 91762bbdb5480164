"""What may be wrong with a spreadsheet that a person brings (G.25): a broken rule, its line and its column.

Files are opened in `services.spreadsheet`; what the columns of titles mean is in `title_import`.
"""

from dataclasses import dataclass

from .errors import RuleBroken, gettext_noop


@dataclass(frozen=True)
class Problem:
    """A broken rule at a line (the first is 1, 0 is the whole file) and a column ('' is the whole line)."""

    line: int
    field: str
    rule: RuleBroken


# The file


class FileNotReadable(RuleBroken):
    message = gettext_noop("The file {file} cannot be read: {cause}. Check its name and your access to it.")


class FileTooLarge(RuleBroken):
    message = gettext_noop("The file is larger than {megabytes} MB. Divide it into smaller files.")


class UnknownFileFormat(RuleBroken):
    message = gettext_noop("The file is neither CSV nor XLSX. Save it as CSV separated by semicolons, or as XLSX.")


class UnknownEncoding(RuleBroken):
    message = gettext_noop("This line is neither UTF-8 nor Windows-1252 text. Save the file as CSV UTF-8.")


class DamagedFile(RuleBroken):
    message = gettext_noop("The file cannot be read from here on: {cause}. Save it again and check this line.")


class EmptySpreadsheet(RuleBroken):
    message = gettext_noop("The file has no rows. Write the column names in the first line and the data below it.")


# Columns and cells


class MissingColumn(RuleBroken):
    message = gettext_noop(
        "The column {column} is missing. Add it to the first line, whose names are separated by semicolons."
    )


class RepeatedColumn(RuleBroken):
    message = gettext_noop("The column {column} appears more than once. Keep one of them.")


class UnknownColumn(RuleBroken):
    message = gettext_noop("The column {column} is not known. Its values are not imported.")


class MoreValuesThanColumns(RuleBroken):
    message = gettext_noop("This line has more values than there are columns. Put a value with a semicolon in quotes.")


class FormulaNotAllowed(RuleBroken):
    message = gettext_noop("“{text}” is a formula or the error of one. Replace it by its value.")


class ValueRequired(RuleBroken):
    message = gettext_noop("This value is required and is empty. Fill it in.")


class TextTooLong(RuleBroken):
    message = gettext_noop("The text has {length} characters. Shorten it to {most}.")


class UnprintableText(RuleBroken):
    message = gettext_noop("The text has characters that cannot be printed. Type it again.")


class InvalidText(RuleBroken):
    message = gettext_noop("“{text}” is not a text that fits here. Format the column as text and type it again.")


class InvalidDate(RuleBroken):
    message = gettext_noop("“{text}” is not a date. Write it like 21/11/2026.")


class DateOutOfRange(RuleBroken):
    message = gettext_noop("The date {day} is too far away. Enter a date from {first} to {last}.")


# Titles


class DueBeforeIssue(RuleBroken):
    message = gettext_noop(
        "The due date {due_date} is before the issue date {issued_on}. Enter the issue date or a later one."
    )


class InvalidInstallmentNumber(RuleBroken):
    message = gettext_noop("“{text}” is not the number of an installment. Write 1, 2 or 1/3, as text.")


class UnknownBillingType(RuleBroken):
    message = gettext_noop("“{text}” is not a billing type. Enter Fatura, Duplicata or Fatura/Duplicata.")


class InvalidOurNumber(RuleBroken):
    message = gettext_noop("“{text}” is not a Nosso Número. Enter up to 20 digits, the check digit included.")


class AccountRequired(RuleBroken):
    message = gettext_noop("A Nosso Número belongs to an account. Enter its conta_reduzida in this line.")


class NotABankAccount(RuleBroken):
    message = gettext_noop("The account {account} is not a bank account. Enter the account that holds the collection.")


class UnknownCode(RuleBroken):
    message = gettext_noop("“{text}” is not registered. Register it first, or correct the code.")


class RepeatedInstallment(RuleBroken):
    message = gettext_noop(
        "Installment {number} of document {document} is already on line {line}. Remove one of the two lines."
    )


class InstallmentMissing(RuleBroken):
    message = gettext_noop("Document {document} has no installment {missing} in this file. Add its line.")


class InstallmentTotalDiffers(RuleBroken):
    message = gettext_noop(
        "This line says that document {document} has {said} installments, and there are {count}. Correct the number."
    )


class LinesDisagree(RuleBroken):
    message = gettext_noop(
        "“{value}” differs from “{other}” on line {line}, of the same document. Make the lines of a document agree."
    )


class DiffersFromKnown(RuleBroken):
    message = gettext_noop(
        "Document {document} is already registered with “{known}”, and this line says “{value}”. "
        "Correct the line, or change the title on its own screen."
    )


class UnknownInstallment(RuleBroken):
    message = gettext_noop(
        "Document {document} is already registered with {count} installments, without number {number}. "
        "Remove the line, or use another document number."
    )


class OurNumberTaken(RuleBroken):
    message = gettext_noop(
        "Nosso Número {our_number} of account {account} already belongs to {owner}. Enter the right number."
    )


class CustomerNamedOtherwise(RuleBroken):
    message = gettext_noop("The customer is registered as “{known}”. The name in the file is not used.")
