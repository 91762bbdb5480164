"""Every setting of the project, read once from the environment (`.env.example` lists each name).

With nothing set the project is *embedded*: SQLite, tasks run in the process that asks for them, debug pages.
Which mixtures may start is decided in `config/checks.py`.
"""

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules
DEVELOPMENT_SECRET_KEY = "django-insecure-embedded-demonstration-key-never-for-real-money"

env = environ.Env()
if not TESTING:
    environ.Env.read_env(BASE_DIR / ".env")

# Who may talk to this server
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
OWN_MACHINE = {"localhost", "127.0.0.1", "[::1]", "::1", ".localhost", "testserver"}
# A server that answers to its own machine only is reached without a proxy and without HTTPS.
ON_NETWORK = bool(set(ALLOWED_HOSTS) - OWN_MACHINE)
DEBUG: bool = env.bool("DEBUG", default=not ALLOWED_HOSTS)
IN_PRODUCTION = ON_NETWORK and not DEBUG
SECRET_KEY: str = env.str("SECRET_KEY", default="") or DEVELOPMENT_SECRET_KEY
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
# How many proxies stand between the network and this server: only they are believed about addresses.
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", default=1 if IN_PRODUCTION else 0)

# Where the data lives
DATABASE_URL: str = env.str("DATABASE_URL", default="") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
DATABASE_POOL_SIZE: int = env.int("DATABASE_POOL_SIZE", default=10)
DATABASE_STATEMENT_SECONDS: int = env.int("DATABASE_STATEMENT_SECONDS", default=60)
REDIS_URL: str = env.str("REDIS_URL", default="")

SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: the till forgets an operation once it is told "stored", so stored must mean on disk.
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;",
}
POSTGRESQL_OPTIONS: dict[str, Any] = {
    # A pool that has nothing to give within 2 s has no database behind it: say so, the till comes back. It gives up
    # connecting as soon, and begins anew for the next who asks: else its pauses double, and a database that was away
    # for ten minutes would be found again up to five minutes after its return.
    "pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 2, "reconnect_timeout": 1},
    "connect_timeout": 2,
    "options": (
        f"-c statement_timeout={DATABASE_STATEMENT_SECONDS}s -c lock_timeout=10s"
        " -c idle_in_transaction_session_timeout=60s"
        # Discs without moving parts: an index is not four times dearer than reading a table from end to end.
        " -c random_page_cost=1.1"
    ),
}


def database(url: str) -> dict[str, Any]:
    """Return Django's entry for `url` with the options that this project depends on."""
    entry: dict[str, Any] = environ.Env.db_url_config(url)
    is_sqlite = entry["ENGINE"].endswith("sqlite3")
    entry["OPTIONS"] = entry.get("OPTIONS", {}) | (SQLITE_OPTIONS if is_sqlite else POSTGRESQL_OPTIONS)
    entry["CONN_MAX_AGE"] = 0
    entry["CONN_HEALTH_CHECKS"] = not is_sqlite
    return entry


DATABASES = {"default": database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Only rate limits live here, and they open when it fails: nothing waits long for it and nothing is lost with it.
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Each process's own: pages of snapshots that it has read, which never change, some 26 KB each.
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "TIMEOUT": 24 * 3600,
        "OPTIONS": {"MAX_ENTRIES": 256, "CULL_FREQUENCY": 8},
    },
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "quita",
        "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "retry": Retry(NoBackoff(), 0)},
    }

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    "config.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_fsm",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "django_structlog",
    "simple_history",
    "config.apps.ProjectConfig",
    "receivables",
    "pos_sync",
]

MIDDLEWARE = [
    "config.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]
if METRICS_TOKEN:
    INSTALLED_APPS.append("django_prometheus")
    MIDDLEWARE.insert(0, "django_prometheus.middleware.PrometheusBeforeMiddleware")
    MIDDLEWARE.insert(-1, "django_prometheus.middleware.PrometheusAfterMiddleware")

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Language and money: `1.234,56` is shown and typed, so the thousand separator is on.
LANGUAGE_CODE = "pt-br"
LANGUAGES = [("pt-br", _("Brazilian Portuguese"))]
TIME_ZONE = "America/Sao_Paulo"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["config.formats"]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]  # of config and templates; each app has its own

# Files
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Without collected files this machine is served the originals, and a production is refused (config.E006).
IS_COLLECTED = (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_USE_FINDERS = not IS_COLLECTED
warnings.filterwarnings("ignore", message="No directory at", category=UserWarning)
STATICFILES_BACKEND = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if TESTING or not IS_COLLECTED
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": STATICFILES_BACKEND},
}

# People
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_COOLOFF_MESSAGE = _("Too many attempts with a wrong password. Wait a quarter of an hour and try again.")
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "step_up"]
AXES_LOCKOUT_TEMPLATE = "admin/quita/locked.html"
AXES_VERBOSE = False
AXES_IPWARE_PROXY_COUNT = TRUSTED_PROXIES or None
AXES_IPWARE_META_PRECEDENCE_ORDER = ["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"] if TRUSTED_PROXIES else ["REMOTE_ADDR"]

# Who must have a second factor before anything else: members of these groups, and then administrators as well.
SECOND_FACTOR_GROUPS: list[str] = env.list("SECOND_FACTOR_GROUPS", default=[])
OTP_TOTP_ISSUER = "Quita"
# A password or a code that was typed again before a grave move counts for so long.
STEP_UP_SECONDS = 5 * 60

# A session ends after 30 minutes without a click.
SESSION_COOKIE_AGE = env.int("SESSION_IDLE_MINUTES", default=30) * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# Transport: everything but the embedded demonstration is behind a proxy that speaks HTTPS.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=IN_PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if IN_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IN_PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = IN_PRODUCTION
CSRF_COOKIE_SECURE = IN_PRODUCTION
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

# Work behind the request: Redis only rings the bell, so no result is kept and no message is precious.
CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_TASK_ALWAYS_EAGER = not REDIS_URL
CELERY_TASK_EAGER_PROPAGATES = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_DEFAULT_QUEUE = "quita"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A worker outlives every absence of its broker.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # After a worker dies its message comes back within `visibility_timeout`, looked for every 5 s.
    "visibility_timeout": 300,
    "unacked_restore_limit": 1000,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 10,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
CELERY_TIMEZONE = TIME_ZONE

# What is written down
LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO").upper()
LOGGING = logging_config(level=LOG_LEVEL, as_json=not DEBUG)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# The id comes from RequestIdMiddleware, which lets none in from outside.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
PROMETHEUS_EXPORT_MIGRATIONS = False
