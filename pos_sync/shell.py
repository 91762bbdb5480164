"""What the browser till starts from: its page, its manifest and the service worker that keeps both for offline use.

The till itself is in static/till. A version is the hash of its files: a half-delivered mixture never installs.
"""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

SOURCE = Path(__file__).resolve().parent / "static" / "till"
KEPT = {".js", ".css", ".svg", ".png"}
NAME = "Quita · Caixa"


@require_safe
def till(request: HttpRequest, path: str = "") -> HttpResponse:
    """Answer with the till's page, the same for every device: what it shows comes from the device's own database."""
    return _fresh(HttpResponse(_page()))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Answer with the worker that keeps this version's files; asked again at each start of the till."""
    files = _files()
    written = render_to_string(
        "till/sw.js", {"version": _version(files), "files": json.dumps(files, indent=2), "page": json.dumps("/till/")}
    )
    return _fresh(HttpResponse(written, content_type="text/javascript; charset=utf-8"))


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Answer with what makes the till installable."""
    icons = [
        {"src": _address("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        *({"src": _address(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in (192, 512)),
    ]
    said: dict[str, Any] = {
        "id": "/till/", "name": NAME, "short_name": "Caixa", "lang": "pt-BR", "start_url": "/till/", "scope": "/till/",
        "display": "standalone", "background_color": "#f6f7f8", "theme_color": "#0f5c5c", "icons": icons,
    }  # fmt: skip
    return _fresh(JsonResponse(said, content_type="application/manifest+json"))


def _page() -> str:
    return render_to_string("till/index.html", {"base": _address("")})


def _files() -> list[dict[str, str]]:
    """List what the till runs on: addresses and integrity (W3C SRI) of its page and its static files."""
    return [{"url": "/till/", "integrity": _integrity(_page().encode())}, *(_read() if settings.DEBUG else _kept())]


@cache
def _kept() -> list[dict[str, str]]:
    return _read()


def _read() -> list[dict[str, str]]:
    paths = sorted(path for path in SOURCE.rglob("*") if path.suffix in KEPT)
    return [
        {"url": _address(path.relative_to(SOURCE).as_posix()), "integrity": _integrity(path.read_bytes())}
        for path in paths
    ]


def _version(files: list[dict[str, str]]) -> str:
    return sha256(json.dumps(files).encode()).hexdigest()[:16]


def _integrity(content: bytes) -> str:
    return f"sha256-{b64encode(sha256(content).digest()).decode()}"


def _address(name: str) -> str:
    """Give the plain address of a file of the till: its modules name each other without a hash."""
    return urljoin(urljoin("/", settings.STATIC_URL), f"till/{name}")


def _fresh(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-cache"
    return response
