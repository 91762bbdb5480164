"""Customers: the parties of a title and the owners of credits. Documents follow E.5 (CNPJ may have letters)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from receivables.domain.documents import format_document
from receivables.models.audited import VersionedModel
from receivables.models.branch import City


class Customer(VersionedModel):
    document = models.CharField(_("CNPJ/CPF"), max_length=14, unique=True)
    name = models.CharField(_("name"), max_length=120, db_index=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    address = models.CharField(_("address"), max_length=160, blank=True)
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} · {format_document(self.document)}"
