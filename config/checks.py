"""System checks that refuse a half-configured production start; what each setting means is said in `settings.py`.

`manage.py check` lists them; the web server, the worker and the beat stop on them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from config.settings import DEVELOPMENT_SECRET_KEY, OWN_MACHINE

SHORTEST_SECRET_KEY = 50


@register(Tags.security)
def check_debug_pages(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Refuse debug pages on a network: they show settings, queries and customers."""
    if settings.DEBUG and set(settings.ALLOWED_HOSTS) - OWN_MACHINE:
        return [
            _refusal("E001", _("DEBUG is on for hosts of a network."), _("Set DEBUG=0, or leave ALLOWED_HOSTS out."))
        ]
    return []


@register(Tags.security)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Refuse the key of the demonstration, and a short one."""
    if settings.DEBUG:
        return []
    if settings.SECRET_KEY == DEVELOPMENT_SECRET_KEY or len(settings.SECRET_KEY) < SHORTEST_SECRET_KEY:
        return [
            _refusal(
                "E002",
                _("SECRET_KEY is missing or short."),
                _("Set SECRET_KEY to %(least)s random characters or more, and keep it secret.")
                % {"least": SHORTEST_SECRET_KEY},
            )
        ]
    return []


@register(Tags.security)
def check_allowed_hosts(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Refuse a server that answers to no name, or to any."""
    if settings.DEBUG or (settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS):
        return []
    return [_refusal("E003", _("ALLOWED_HOSTS is empty or '*'."), _("Set ALLOWED_HOSTS to the names of this server."))]


@register(Tags.database)
def check_database(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Refuse SQLite outside the demonstration: one writer at a time is not a company's ledger."""
    if settings.DEBUG or not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return []
    return [
        _refusal("E004", _("SQLite is for the demonstration only."), _("Set DATABASE_URL to a PostgreSQL database."))
    ]


@register(Tags.compatibility)
def check_broker(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Refuse to work without a worker: operations of tills would be applied inside their requests."""
    if settings.DEBUG or settings.REDIS_URL:
        return []
    return [_refusal("E005", _("There is no broker."), _("Set REDIS_URL, and run a worker and a beat."))]


@register(Tags.compatibility)
def check_static_files(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Refuse to serve pages whose styles and scripts were never collected."""
    if (
        settings.DEBUG
        or settings.TESTING
        or not set(settings.ALLOWED_HOSTS) - OWN_MACHINE
        or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
    ):
        return []
    return [
        _refusal("E006", _("Static files are not collected."), _("Run `manage.py collectstatic --no-input` first."))
    ]


@register(Tags.security)
def check_second_factor(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Warn of a production in which a password alone reverses closed cash."""
    if settings.DEBUG or settings.SECOND_FACTOR_GROUPS:
        return []
    return [
        CheckWarning(
            _("Nobody has to have a second factor."),
            hint=_("Set SECOND_FACTOR_GROUPS=Gerência,Tesouraria, or more groups."),
            id="config.W001",
        )
    ]


def refuse_half_configured_start() -> None:
    """Raise ImproperlyConfigured with every refusal of this file at once."""
    refusals = [
        message
        for check in (
            check_debug_pages,
            check_secret_key,
            check_allowed_hosts,
            check_database,
            check_broker,
            check_static_files,
        )
        for message in check(None)
    ]
    if refusals:
        raise ImproperlyConfigured(" ".join(f"({refusal.id}) {refusal.msg} {refusal.hint}" for refusal in refusals))


def _refusal(number: str, problem: str, hint: str) -> CheckMessage:
    return Error(problem, hint=hint, id=f"config.{number}")
