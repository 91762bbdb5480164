"""`manage.py demo`: what it says, and when it refuses."""

import socket

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from config.management.commands import demo

MADE = {
    "branches": [{"code": "001", "name": "Matriz"}],
    "logins": [
        {"user": "ana", "password": "pw-1", "group": "Caixa"},
        {"user": "bia", "password": "pw-2", "group": "Gerente"},
        {"user": "rui", "password": "pw-3", "group": "Caixa"},
    ],
    "operators": [
        {"branch": "002", "code": "2001", "name": "Leo", "pin": "4321", "supervisor": False},
        {"branch": "001", "code": "1001", "name": "Eva", "pin": "1234", "supervisor": False},
    ],
}


def test_one_login_of_each_group_is_shown() -> None:
    text = demo.welcome(MADE, address="http://127.0.0.1:8000")
    assert "ana / pw-1" in text
    assert "bia / pw-2" in text
    assert "rui" not in text


def test_the_welcome_names_a_branch_that_exists() -> None:
    assert "--branch 001" in demo.welcome(MADE, address="http://127.0.0.1:8000")


def test_the_welcome_lets_a_cashier_of_that_branch_in() -> None:
    text = demo.welcome(MADE, address="http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000/till/" in text
    assert "1001, PIN 1234" in text


def test_a_taken_port_is_said_clearly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CommandError, match="PORT=8010"):
        demo.refuse_taken_port(taken.getsockname()[1])


def test_known_passwords_never_meet_a_production(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("demo")
