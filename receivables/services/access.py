"""Who may do what to which title: permissions and branches (G.19). Edges ask here before they call a service."""

from collections.abc import Callable
from typing import Any

from receivables.domain.errors import BranchNotYours, NotPermitted
from receivables.models import Branch, Title


def require(user: Any, permission: str) -> None:
    """Raise NotPermitted unless the user has the permission (`app.codename`)."""
    if not user.has_perm(permission):
        raise NotPermitted(permission=permission)


def require_branch(user: Any, *branches: Branch) -> None:
    """Raise BranchNotYours unless one of the branches is the user's."""
    if not has_branch(user, *branches):
        raise BranchNotYours(branch=str(branches[0]))


def has_branch(user: Any, *branches: Branch) -> bool:
    """Say whether one of the branches is the user's; a superuser passes."""
    if user.is_superuser:
        return True
    return user.branches.filter(pk__in=[branch.pk for branch in branches]).exists()


def require_change(user: Any, title: Title) -> None:
    """A title is changed through its issuing branch (G.19)."""
    require(user, "receivables.change_title")
    require_branch(user, title.issuing_branch)


def require_settlement(user: Any, title: Title, permission: str = "receivables.settle_title") -> None:
    """A title is settled and reversed through its issuing or collecting branch (G.19)."""
    require(user, permission)
    require_branch(user, title.collecting_branch, title.issuing_branch)


def require_reissue(user: Any, title: Title) -> None:
    """A new bank collection changes a title, thus goes through its issuing branch (G.19)."""
    require(user, "receivables.reissue_bank_collection")
    require_branch(user, title.issuing_branch)


def may(rule: Callable[..., None], *asked: Any) -> bool:
    """Say whether a rule of this module lets the user do what it is asked for, instead of raising."""
    try:
        rule(*asked)
    except (NotPermitted, BranchNotYours):
        return False
    return True
