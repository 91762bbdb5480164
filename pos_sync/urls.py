"""The addresses of the tills' API; each view answers as `http` says, and so does every address that does not exist."""

from typing import cast

from django.urls import URLPattern, path, re_path

from pos_sync.api import api
from pos_sync.http import nowhere, speak_protocol


def _patterns() -> list[URLPattern]:
    patterns = cast(list[URLPattern], api.urls[0])
    return [path(str(pattern.pattern), speak_protocol(pattern.callback), name=pattern.name) for pattern in patterns]


urlpatterns = [*_patterns(), re_path("", speak_protocol(nowhere))]
