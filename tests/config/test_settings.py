"""Settings: the embedded default, production, and the list of names in `.env.example`."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.config.environments import PRODUCTION, ROOT, settings_with


def test_nothing_set_is_the_embedded_demonstration() -> None:
    settings = settings_with()
    assert settings["DEBUG"] is True
    assert settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert settings["CELERY_TASK_ALWAYS_EAGER"] is True


def test_sqlite_waits_for_its_turn_and_keeps_what_it_said_was_stored() -> None:
    options = settings_with()["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]
    assert "foreign_keys=ON" in options["init_command"]


def test_naming_hosts_turns_debug_off() -> None:
    assert settings_with(ALLOWED_HOSTS="quita.example.com.br")["DEBUG"] is False


def test_postgresql_comes_from_a_pool_with_limits_on_waiting() -> None:
    database = settings_with(**PRODUCTION, DATABASE_POOL_SIZE="4")["DATABASES"]["default"]
    assert database["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 4, "timeout": 2, "reconnect_timeout": 1}
    assert database["CONN_MAX_AGE"] == 0
    for limit in ("statement_timeout=60s", "lock_timeout=10s", "idle_in_transaction_session_timeout=60s"):
        assert limit in database["OPTIONS"]["options"]


def test_options_in_the_address_of_the_database_are_kept() -> None:
    database = settings_with(DATABASE_URL="postgres://u@/quita?host=/run/pg")["DATABASES"]["default"]
    assert database["OPTIONS"]["host"] == "/run/pg"


def test_production_speaks_https_only() -> None:
    settings = settings_with(**PRODUCTION)
    for name in (
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
    ):
        assert settings[name], name
    assert settings["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_without_a_proxy_no_forwarded_header_is_believed() -> None:
    settings = settings_with(**PRODUCTION, TRUSTED_PROXIES="0")
    assert settings["SECURE_PROXY_SSL_HEADER"] is None
    assert settings["AXES_IPWARE_META_PRECEDENCE_ORDER"] == ["REMOTE_ADDR"]


def test_a_lost_worker_gives_its_message_back_within_seconds_of_its_time_out() -> None:
    settings = settings_with(**PRODUCTION)
    assert settings["CELERY_TASK_ALWAYS_EAGER"] is False
    assert settings["CELERY_TASK_ACKS_LATE"] is True
    assert settings["CELERY_TASK_REJECT_ON_WORKER_LOST"] is True
    assert settings["CELERY_WORKER_PREFETCH_MULTIPLIER"] == 1
    transport = settings["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert transport["visibility_timeout"] == 300
    assert transport["unacked_restore_interval"] == 5
    assert transport["unacked_restore_throttle"] == 1
    assert transport["socket_timeout"] == transport["socket_connect_timeout"] == 2


def test_kombu_knows_every_transport_option() -> None:
    from kombu.transport.redis import Channel

    options = settings_with()["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert set(options) <= set(Channel.from_transport_options)


def test_passwords_are_hashed_with_argon2_and_old_ones_still_open() -> None:
    hashers = settings_with()["PASSWORD_HASHERS"]
    assert [name.rsplit(".", 1)[1] for name in hashers] == ["Argon2PasswordHasher", "PBKDF2PasswordHasher"]


def test_a_wrong_type_stops_the_start() -> None:
    with pytest.raises((ImproperlyConfigured, ValueError)):
        settings_with(DATABASE_POOL_SIZE="many")


def test_the_example_lists_every_name_that_is_read() -> None:
    read = set(re.findall(r'env\.\w+\("([A-Z_]+)"', (ROOT / "config" / "settings.py").read_text()))
    listed = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert listed == read


def test_metrics_are_counted_only_where_somebody_may_read_them() -> None:
    assert "django_prometheus" not in settings_with()["INSTALLED_APPS"]
    assert "django_prometheus" in settings_with(METRICS_TOKEN="t")["INSTALLED_APPS"]


def test_axes_is_the_last_middleware() -> None:
    for environment in ({}, {"METRICS_TOKEN": "t"}):
        assert settings_with(**environment)["MIDDLEWARE"][-1] == "axes.middleware.AxesMiddleware"
