"""Broken rules and values as a person reads them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils.translation import override

from receivables.admin.explain import explain, written
from receivables.domain.errors import AmountNotClosing, CashDayClosed, ConfirmationRequired, MoveRefused, NotPermitted
from receivables.models import TitleStatus


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1234.5"), "1.234,50"),
        (Decimal("-0.01"), "-0,01"),
        (Decimal("0.0333"), "0,0333"),
        (date(2026, 11, 21), "21/11/2026"),
        (datetime(2026, 11, 21, 17, 3, tzinfo=UTC), "21/11/2026 14:03"),
        (None, "—"),
        ("", "—"),
        (["a", Decimal("1.00")], "a, 1,00"),
        ("FAT-1", "FAT-1"),
    ],
)
def test_values_are_written_the_brazilian_way(value, text):
    assert written(value) == text


def test_a_broken_rule_shows_its_amounts_in_reais():
    told = explain(AmountNotClosing(received=Decimal("1029.99"), due=Decimal("1030.00")))
    assert "1.029,99" in told
    assert "1.030,00" in told


def test_a_broken_rule_shows_its_days():
    assert "21/11/2026" in explain(CashDayClosed(account="1001 · Caixa", day=date(2026, 11, 21)))


def test_a_refused_move_names_the_status_in_words():
    told = explain(MoveRefused(noun="FAT-1", status="settled", verb="settle"))
    assert str(TitleStatus.SETTLED.label) in told


@pytest.mark.django_db
def test_a_missing_permission_is_named_in_words():
    with override("en"):
        told = explain(NotPermitted(permission="receivables.settle_title"))
    assert "Can settle titles" in told


def test_a_confirmable_warning_says_what_to_be_aware_of():
    with override("en"):
        told = explain(ConfirmationRequired(codes=["debits_differ"]))
    assert "debits do not add up" in told
