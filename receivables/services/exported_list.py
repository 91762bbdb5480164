"""What leaves the house is written down: the log of exported lists."""

from receivables.models import Actor, ExportedList
from receivables.models.audited import signed_by


def record_export(*, noun: str, file_format: str, query: str, row_count: int, is_cut: bool, by: Actor) -> ExportedList:
    """Write down who exported which list, how it was filtered and how many rows went out."""
    return ExportedList.objects.create(
        noun=noun, file_format=file_format, query=query, row_count=row_count, is_cut=is_cut, **signed_by(by)
    )
