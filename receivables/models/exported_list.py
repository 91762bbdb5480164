"""Lista exportada: who took which list or paper out of the house, as it was filtered, and how many rows (G.19)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from receivables.models.audited import AppendOnlyModel


class FileFormat(models.TextChoices):
    XLSX = "xlsx", "XLSX"
    CSV = "csv", "CSV"
    PDF = "pdf", "PDF"


class ExportedList(AppendOnlyModel):
    """One file that was made; `noun` is `app.model`, or the name of a page; `query` is how the list was filtered."""

    noun = models.CharField(_("list"), max_length=100)
    file_format = models.CharField(_("format"), max_length=4, choices=FileFormat)
    query = models.TextField(_("filters"), blank=True)
    row_count = models.PositiveIntegerField(_("rows"))
    is_cut = models.BooleanField(_("cut at the limit"), default=False)

    class Meta:
        verbose_name = _("exported list")
        verbose_name_plural = _("exported lists")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(file_format__in=FileFormat.values), name="exported_list_format_known")
        ]

    def __str__(self) -> str:
        return f"{self.noun} · {self.row_count}"
