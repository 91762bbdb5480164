"""Customers: the parties of a title and the owners of credits. Documents follow E.5 (CNPJ may have letters)."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from receivables.domain.documents import bare_document, format_document
from receivables.models.audited import AuditedQuerySet, VersionedModel
from receivables.models.branch import City
from receivables.models.plain_text import NONE, Plain, has_words


def _documented(text: str) -> Q:
    bare = bare_document(text)
    return Q(document__startswith=bare) if bare else NONE


class CustomerQuerySet(AuditedQuerySet):
    def named(self, text: str) -> Self:
        """Those whose name has every word of the text, accents and case apart; one word has three letters at least."""
        return self.alias(plain_name=Plain("name")).filter(has_words("plain_name", text))

    def documented(self, text: str) -> Self:
        """Those whose CPF or CNPJ begins so, masked or not."""
        return self.filter(_documented(text))

    def matching(self, text: str) -> Self:
        """Those that are named or documented so."""
        return self.alias(plain_name=Plain("name")).filter(has_words("plain_name", text) | _documented(text))


class Customer(VersionedModel):
    document = models.CharField(_("CNPJ/CPF"), max_length=14, unique=True)
    name = models.CharField(_("name"), max_length=120, db_index=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    address = models.CharField(_("address"), max_length=160, blank=True)
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    is_active = models.BooleanField(_("active"), default=True)

    objects: ClassVar[Any] = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} · {format_document(self.document)}"
