"""Branches, cities, products and the named parameter sets that branches share (G.13)."""

from datetime import date
from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.domain import charges
from receivables.models.audited import AppendOnlyModel, AuditedModel


class InterestPeriod(models.TextChoices):
    DAY = "day", _("per day")
    MONTH30 = "month30", _("per month of 30 days")


class Terms(AppendOnlyModel):
    """Rates agreed for late and early payment; a changed rate is a new row, so that old versions stay true."""

    interest_percent = models.DecimalField(_("interest %"), max_digits=7, decimal_places=4)
    interest_per = models.CharField(_("interest period"), max_length=7, choices=InterestPeriod)
    fine_percent = models.DecimalField(_("fine %"), max_digits=5, decimal_places=2)
    max_discount_percent = models.DecimalField(_("discount limit %"), max_digits=5, decimal_places=2)
    allow_partial = models.BooleanField(_("partial receipt allowed"), default=True)

    class Meta:
        verbose_name = _("terms")
        verbose_name_plural = _("terms")
        constraints = [
            models.CheckConstraint(
                condition=Q(interest_percent__gte=0, interest_percent__lte=100, fine_percent__gte=0,
                            fine_percent__lte=100, max_discount_percent__gte=0, max_discount_percent__lte=100),
                name="terms_percents_in_range",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        interest, fine = (str(rate).replace(".", ",") for rate in (self.interest_percent, self.fine_percent))
        return f"{interest}% {self.get_interest_per_display()}, {fine}%"

    @cached_property
    def as_domain(self) -> charges.Terms:
        return charges.Terms(
            interest_percent=self.interest_percent,
            interest_per="day" if self.interest_per == InterestPeriod.DAY else "month30",
            fine_percent=self.fine_percent,
            max_discount_percent=self.max_discount_percent,
            allow_partial=self.allow_partial,
        )


class ParameterSet(AuditedModel):
    """Cad. Parâmetros para o Financeiro [famparm]: a named set attached to branches; one set is the default."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    is_default = models.BooleanField(_("default set"), default=False)
    cash_closing_control = models.BooleanField(_("cash closing control"), default=True)
    blind_closing = models.BooleanField(_("blind closing"), default=False)
    terms = models.ForeignKey(Terms, models.PROTECT, verbose_name=_("terms"), related_name="+")

    class Meta:
        verbose_name = _("parameter set")
        verbose_name_plural = _("parameter sets")
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="parameter_set_one_default"
            )
        ]

    def __str__(self) -> str:
        return self.name


class City(AuditedModel):
    code = models.CharField(_("code"), max_length=10, unique=True)
    name = models.CharField(_("name"), max_length=80)
    state = models.CharField(pgettext_lazy("city", "state"), max_length=2)

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}/{self.state}"


class Product(AuditedModel):
    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=80)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class Holiday(AuditedModel):
    """A bank holiday beside the national ones (G.17)."""

    day = models.DateField(_("day"), unique=True)
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("local holiday")
        verbose_name_plural = _("local holidays")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day:%d/%m/%Y} · {self.name}"

    @classmethod
    def days(cls) -> frozenset[date]:
        """Give all of them, for the calendar of `domain.due_dates`."""
        return frozenset(cls.objects.values_list("day", flat=True))


class Branch(AuditedModel):
    code = models.CharField(_("code"), max_length=10, unique=True)
    name = models.CharField(_("name"), max_length=80)
    document = models.CharField(_("CNPJ"), max_length=14, blank=True)
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    parameter_set = models.ForeignKey(ParameterSet, models.PROTECT, verbose_name=_("parameter set"))
    is_active = models.BooleanField(_("active"), default=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="branches", verbose_name=_("users")
    )

    class Meta:
        verbose_name = _("branch")
        verbose_name_plural = _("branches")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"
