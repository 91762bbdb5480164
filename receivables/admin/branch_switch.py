"""The branch switch: who works in several branches looks at one of them, or at all, in the lists and on the start page.

No rule is here: what a person may see and do stays with the user's branches (`visible_to`, `services.access`). The
choice lives in the session.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from receivables.admin.pages import Page, add_page
from receivables.models import Branch

SESSION_KEY = "branch"
LISTS = ("_changelist", "export")


class Onlooker:
    """A user as seen from one of his branches: it alone is his; all else is the user's own."""

    is_superuser = False

    def __init__(self, user: Any, branch: Branch) -> None:
        self._user = user
        self.branches = Branch.objects.filter(pk=branch.pk)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._user, name)


def branches_to_choose(user: Any) -> list[Branch]:
    """Give the active branches that a user works in; one alone is no choice."""
    rows = Branch.objects.filter(is_active=True)
    found = list(rows if user.is_superuser else rows.filter(members=user))
    return found if len(found) > 1 else []


def chosen_branch(request: HttpRequest) -> Branch | None:
    """Give the branch that the person looks at, None for all; one that is not his any more is none."""
    switch = switch_of(request)
    return switch["chosen"] if switch else None


def switch_of(request: Any) -> dict[str, Any] | None:
    """Give the branches to choose from and the one chosen, None where there is no choice; asked once a request."""
    if not hasattr(request, "branch_switch"):
        request.branch_switch = _switch(request)
    switch: dict[str, Any] | None = request.branch_switch
    return switch


def _switch(request: Any) -> dict[str, Any] | None:
    user = getattr(request, "user", None)
    branches = branches_to_choose(user) if user is not None and user.is_active and user.is_staff else []
    if not branches:
        return None
    pk = request.session.get(SESSION_KEY) if hasattr(request, "session") else None
    return {"branches": branches, "chosen": next((branch for branch in branches if branch.pk == pk), None)}


def onlooker(request: Any) -> Any:
    """Give who looks at the page: on a list the user at the chosen branch, anywhere else the user."""
    match = getattr(request, "resolver_match", None)
    is_list = match is not None and (match.url_name or "").endswith(LISTS)
    return at_branch(request) if is_list else request.user


def at_branch(request: Any) -> Any:
    """Give the user at the chosen branch; the user himself where he looks at all of his."""
    branch = chosen_branch(request)
    return Onlooker(request.user, branch) if branch else request.user


def choose(request: HttpRequest) -> HttpResponse:
    """Remember the branch that was chosen and go back to the page."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    asked = request.POST.get("branch", "")
    mine = {str(branch.pk): branch.pk for branch in branches_to_choose(request.user)}
    request.session[SESSION_KEY] = mine.get(asked)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if is_ours else reverse("admin:index"))


BRANCH = add_page(Page(name="branch", address="branch/", view=choose, permissions=("receivables.view_title",)))
