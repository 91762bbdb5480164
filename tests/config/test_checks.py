"""A half-configured production does not start; the demonstration and a whole production do."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config import checks
from tests.config.environments import PRODUCTION, settings_with

NAMES = ("DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "DATABASES", "REDIS_URL", "SECOND_FACTOR_GROUPS")


def use(settings: Settings, **environment: str) -> None:
    """Make Django see the settings of `environment`."""
    loaded = settings_with(**environment)
    for name in NAMES:
        setattr(settings, name, loaded[name])


def refused(message: str) -> str:
    """Return the numbers of the refusals in `message`, in order."""
    return ",".join(part.split(")")[0] for part in message.split("(config.")[1:])


def test_the_demonstration_starts(settings: Settings) -> None:
    use(settings)
    checks.refuse_half_configured_start()


def test_a_whole_production_starts(settings: Settings) -> None:
    use(settings, **PRODUCTION)
    checks.refuse_half_configured_start()


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"DEBUG": "1"}, "E001"),
        ({"SECRET_KEY": ""}, "E002"),
        ({"SECRET_KEY": "short"}, "E002"),
        ({"ALLOWED_HOSTS": "*"}, "E003"),
        ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "E004"),
        ({"REDIS_URL": ""}, "E005"),
    ],
)
def test_a_production_with_one_thing_wrong_does_not_start(
    settings: Settings, changed: dict[str, str], number: str
) -> None:
    use(settings, **(PRODUCTION | changed))
    with pytest.raises(ImproperlyConfigured) as refusal:
        checks.refuse_half_configured_start()
    assert refused(str(refusal.value)) == number


def test_everything_that_is_missing_is_said_at_once(settings: Settings) -> None:
    use(settings, DEBUG="0")
    with pytest.raises(ImproperlyConfigured) as refusal:
        checks.refuse_half_configured_start()
    assert refused(str(refusal.value)) == "E002,E003,E004,E005"


def test_pages_without_collected_styles_are_refused(settings: Settings, tmp_path) -> None:
    use(settings, **PRODUCTION)
    settings.TESTING, settings.STATIC_ROOT = False, tmp_path
    assert [message.id for message in checks.check_static_files(None)] == ["config.E006"]
    (tmp_path / "staticfiles.json").write_text("{}")
    assert checks.check_static_files(None) == []


def test_the_demonstrations_key_does_not_open_a_production(settings: Settings) -> None:
    use(settings, **(PRODUCTION | {"SECRET_KEY": checks.DEVELOPMENT_SECRET_KEY}))
    assert [message.id for message in checks.check_secret_key(None)] == ["config.E002"]


def test_a_production_without_a_second_factor_starts_with_a_warning(settings: Settings) -> None:
    use(settings, **PRODUCTION)
    assert [warning.id for warning in checks.check_second_factor(None)] == ["config.W001"]
    checks.refuse_half_configured_start()


def test_with_a_second_factor_nothing_is_warned_of(settings: Settings) -> None:
    use(settings, **PRODUCTION, SECOND_FACTOR_GROUPS="Gerência,Tesouraria")
    assert checks.check_second_factor(None) == []


def test_the_demonstration_needs_no_second_factor(settings: Settings) -> None:
    use(settings)
    assert checks.check_second_factor(None) == []
