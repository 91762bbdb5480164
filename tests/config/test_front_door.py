"""Headers, redirects and metrics that every page shares."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings


def test_the_root_leads_to_the_back_office(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


@pytest.mark.django_db
def test_no_page_may_run_or_load_anything_foreign_or_inline(client: Client) -> None:
    policy = client.get(reverse("admin:login")).headers["Content-Security-Policy"]
    directives = {part.split()[0]: part.split()[1:] for part in policy.split(";")}
    assert directives == {
        "default-src": ["'self'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }


@pytest.mark.django_db
def test_the_login_page_speaks_portuguese(client: Client) -> None:
    assert 'lang="pt-br"' in client.get(reverse("admin:login")).content.decode()


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer "])
def test_metrics_do_not_exist_for_strangers(client: Client, settings: Settings, authorization: str) -> None:
    settings.METRICS_TOKEN = "right"
    assert client.get("/metrics", headers={"Authorization": authorization}).status_code == 404


def test_metrics_do_not_exist_without_a_token(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_metrics_answer_who_brings_the_token(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "right"
    answer = client.get("/metrics", headers={"Authorization": "Bearer right"})
    assert b"python_info" in answer.content


def test_money_is_read_the_brazilian_way() -> None:
    from decimal import Decimal

    from django.forms import DecimalField

    field = DecimalField(localize=True, decimal_places=2)
    assert field.clean("1.234,56") == Decimal("1234.56")
    assert field.prepare_value(Decimal("1234.56")) == Decimal("1234.56")
    assert field.widget.format_value(Decimal("1234.56")) == "1.234,56"
