"""The back office as a place: its name, the menu in the owner's words, the start page and the search over everything.

What each page shows is in `receivables.admin`, which registers itself here and is therefore imported late.
"""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext, gettext_lazy


class BackOffice(AdminSite):
    """Django's admin in our own dress; the framework's names of apps never show."""

    site_header = site_title = "Quita"
    index_title = gettext_lazy("Dashboard")
    index_template = "admin/quita/panel.html"
    enable_nav_sidebar = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the menu to what every page knows."""
        from receivables.admin.menu import menu_of

        return {**super().each_context(request), "menu": menu_of(request, self)}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from receivables.admin.panel import panel_of

        return super().index(request, {"panel": panel_of(request.user), **(extra_context or {})})

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """An app is nothing to a person: the start page is."""
        return HttpResponseRedirect(reverse("admin:index"))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from receivables.admin import pages

        return [path("search/", self.admin_view(self.search), name="search"), *pages.urls(self), *super().get_urls()]

    def search(self, request: HttpRequest) -> HttpResponse:
        """Find titles, customers, receipts and nosso número; what is found alone is opened at once."""
        from receivables.admin.search import only_one, search

        asked = request.GET.get("q", "").strip()
        found = search(request, asked)
        alone = only_one(found)
        if alone is not None:
            return HttpResponseRedirect(alone.address)
        context = {**self.each_context(request), "title": gettext("Search"), "asked": asked, "found": found}
        return TemplateResponse(request, "admin/quita/search.html", context)
