"""Pages that are no list of a noun (a statement, the audit, the reports): each says its address and who may see it.

`receivables.site` serves them, `menu` shows them; other apps add theirs when their admin is imported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the back office: `admin:<name>` at `address`, for those who have one of the permissions.

    `view(request, **parts)` gives a whole response, or the context that `template` is filled with: `title` at least.
    """

    name: str
    address: str
    view: Callable[..., HttpResponseBase | dict[str, Any]]
    permissions: tuple[str, ...]
    template: str = ""

    def is_open_to(self, user: Any) -> bool:
        """Say whether the user has one of the page's permissions."""
        return user.is_active and user.is_staff and any(user.has_perm(each) for each in self.permissions)


PAGES: dict[str, Page] = {}


def add_page(page: Page) -> Page:
    """Put a page into the back office."""
    PAGES[page.name] = page
    return page


def urls(site: AdminSite) -> list[URLPattern]:
    """Give the addresses of all pages."""
    return [
        path(page.address, site.admin_view(partial(_serve, page=page, site=site)), name=page.name)
        for page in PAGES.values()
    ]


def _serve(request: HttpRequest, *, page: Page, site: AdminSite, **parts: Any) -> HttpResponseBase:
    if not page.is_open_to(request.user):
        raise PermissionDenied
    answer = page.view(request, **parts)
    if isinstance(answer, dict):
        return TemplateResponse(request, page.template, {**site.each_context(request), **answer})
    return answer
