"""The back office as a place: its name, the menu in the owner's words, the start page and the search over everything.

What each page shows is in `receivables.admin`, which registers itself here and is therefore imported late.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache

WITHOUT_FACTOR = {"second_factor", "second_factor_qr", "logout", "jsi18n", "password_change", "password_change_done"}
"""What somebody who must have a second factor reaches before he has one."""


class BackOffice(AdminSite):
    """Django's admin in our own dress; the framework's names of apps never show."""

    site_header = site_title = "Quita"
    index_title = gettext_lazy("Dashboard")
    index_template = "admin/quita/panel.html"
    enable_nav_sidebar = False
    empty_value_display = "—"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the menu and the branch switch to what every page knows."""
        from receivables.admin.branch_switch import switch_of
        from receivables.admin.menu import menu_of

        known = {"menu": menu_of(request, self), "branch_switch": switch_of(request)}
        return {**super().each_context(request), **known}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from receivables.admin.branch_switch import at_branch
        from receivables.admin.panel import panel_of

        return super().index(
            request, {"panel": panel_of(at_branch(request), asked=request.GET), **(extra_context or {})}
        )

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """An app is nothing to a person: the start page is."""
        return HttpResponseRedirect(reverse("admin:index"))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from receivables.admin import pages

        return [
            path("search/", self.admin_view(self.search), name="search"),
            path("shortcuts/", self.admin_view(self.shortcuts), name="shortcuts"),
            path("login/code/", self.code_step, name="login_code"),
            path("second-factor/", self.admin_view(self.second_factor), name="second_factor"),
            path("second-factor/qr.svg", self.admin_view(self.second_factor_qr), name="second_factor_qr"),
            *pages.urls(self),
            *super().get_urls(),
        ]

    def shortcuts(self, request: HttpRequest) -> HttpResponse:
        """Tell what the keyboard does."""
        from receivables.admin.shortcuts import groups_of

        context = {**self.each_context(request), "title": gettext("Keyboard shortcuts"),
                   "groups": groups_of(request, self)}  # fmt: skip
        return TemplateResponse(request, "admin/quita/shortcuts.html", context)

    # Who is in: a password, and a code where the person has a second factor

    def has_permission(self, request: HttpRequest) -> bool:
        """A session that began before the second factor did proves nothing any more."""
        return super().has_permission(request) and not _owes_code(request)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Send those who must have a second factor to enrol before anything else."""
        return super().admin_view(_enrolled_first(view), cacheable)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from django.contrib.admin.forms import AdminAuthenticationForm

        from receivables.admin.entering import PasswordStep

        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        asked = request.POST.get("next") or request.GET.get("next") or reverse("admin:index")
        context = {**self.each_context(request), "title": gettext("Log in"), "subtitle": None, "next": asked,
                   "app_path": request.get_full_path(), "username": request.user.get_username()}  # fmt: skip
        step = PasswordStep.as_view(
            extra_context=context | (extra_context or {}), authentication_form=AdminAuthenticationForm,
            template_name="admin/login.html",
        )  # fmt: skip
        return step(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Let a person change his own password, and tell that he did."""
        from receivables.models import Actor
        from receivables.services.people import tell_new_password

        person: Any = request.user
        before = person.password
        answer = super().password_change(request, extra_context)
        if person.password != before:
            tell_new_password(user=person, by=Actor.person(person))
        return answer

    @method_decorator(never_cache)
    def code_step(self, request: HttpRequest) -> HttpResponse:
        from receivables.admin.entering import code_step

        return code_step(request, site=self)

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        from receivables.admin import second_factor

        return second_factor.page(request, site=self)

    def second_factor_qr(self, request: HttpRequest) -> HttpResponse:
        from receivables.admin import second_factor

        return second_factor.qr(request)

    def search(self, request: HttpRequest) -> HttpResponse:
        """Find titles, customers, receipts and nosso número; what is found alone is opened at once."""
        from receivables.admin.search import only_one, search

        asked = request.GET.get("q", "").strip()
        found = search(request, asked)
        alone = only_one(found)
        if alone is not None:
            return HttpResponseRedirect(alone.address)
        context = {**self.each_context(request), "title": gettext("Search"), "asked": asked, "found": found}
        context["notes"] = request.words.notes if hasattr(request, "words") else ()
        return TemplateResponse(request, "admin/quita/search.html", context)


def _owes_code(request: Any) -> bool:
    """Say whether the person has a second factor that this session never saw; asked once a request."""
    from receivables.services.second_factor import has_factor

    if not hasattr(request, "owes_code"):
        request.owes_code = not request.user.is_verified() and has_factor(request.user)
    return bool(request.owes_code)


def _enrolled_first(view: Callable[..., Any]) -> Callable[..., Any]:
    from receivables.services.second_factor import must_enrol

    def enrolled(request: HttpRequest, *args: Any, **options: Any) -> Any:
        place = request.resolver_match
        if (place is None or place.url_name not in WITHOUT_FACTOR) and must_enrol(request.user):
            return HttpResponseRedirect(reverse("admin:second_factor"))
        return view(request, *args, **options)

    return update_wrapper(enrolled, view)
