"""Who may do what to which title: permissions and branches (G.19)."""

import pytest
from django.contrib.auth.models import Permission

from receivables.domain.errors import BranchNotYours, NotPermitted
from receivables.models import Title
from receivables.services.access import has_branch, require, require_branch, require_change, require_settlement
from receivables.services.groups import FINANCEIRO, SUPORTE
from tests.make import make_branch, make_title, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def branches():
    """Entry, issuing and collecting branch of a title, and one that has no part in it."""
    return {name: make_branch(name=name) for name in ("entry", "issuing", "collecting", "other")}


@pytest.fixture
def title(branches):
    parts = {f"{name}_branch": branches[name] for name in ("entry", "issuing", "collecting")}
    return make_title(branch=branches["issuing"], **parts)


def clerk(*branches, group=FINANCEIRO):
    return make_user(group=group, branches=branches)


def boss():
    return make_user(is_superuser=True)


def test_a_permission_of_the_group_is_enough():
    require(clerk(), "receivables.settle_title")


def test_a_missing_permission_is_named():
    with pytest.raises(NotPermitted) as refusal:
        require(clerk(group=SUPORTE), "receivables.settle_title")
    assert (refusal.value.code, refusal.value.facts) == ("not_permitted", {"permission": "receivables.settle_title"})


def test_a_superuser_passes_permissions_and_branches(title):
    require_change(boss(), title)
    require_settlement(boss(), title)
    assert has_branch(boss(), title.issuing_branch)


def test_an_inactive_superuser_passes_nothing():
    with pytest.raises(NotPermitted):
        require(make_user(is_superuser=True, is_active=False), "receivables.settle_title")


def test_one_of_the_branches_is_enough(branches):
    user = clerk(branches["issuing"])
    require_branch(user, branches["other"], branches["issuing"])
    assert not has_branch(user, branches["other"])


def test_a_foreign_branch_is_named(branches):
    with pytest.raises(BranchNotYours) as refusal:
        require_branch(clerk(branches["other"]), branches["issuing"])
    assert (refusal.value.code, refusal.value.facts) == ("branch_not_yours", {"branch": str(branches["issuing"])})


@pytest.mark.parametrize(
    ("branch", "may"), [("issuing", True), ("entry", False), ("collecting", False), ("other", False)]
)
def test_a_title_is_changed_through_its_issuing_branch(branches, title, branch, may):
    assert allows(require_change, clerk(branches[branch]), title) is may


@pytest.mark.parametrize(
    ("branch", "may"), [("issuing", True), ("collecting", True), ("entry", False), ("other", False)]
)
def test_a_title_is_settled_and_reversed_through_its_issuing_or_collecting_branch(branches, title, branch, may):
    assert allows(require_settlement, clerk(branches[branch]), title) is may


def allows(ask, user, title):
    try:
        ask(user, title)
    except BranchNotYours:
        return False
    return True


def test_the_permission_of_a_reversal_is_asked_for_by_name(branches, title):
    user = clerk(branches["collecting"])
    require_settlement(user, title, "receivables.reverse_receipt")
    with pytest.raises(NotPermitted):
        require_settlement(user, title, "receivables.reverse_receipt_closed_cash")


def test_a_branch_without_the_permission_is_not_enough(branches, title):
    with pytest.raises(NotPermitted):
        require_change(clerk(branches["issuing"], group=SUPORTE), title)


@pytest.mark.parametrize(
    ("branch", "sees"), [("entry", True), ("issuing", True), ("collecting", True), ("other", False)]
)
def test_a_title_is_seen_by_each_of_its_branches(branches, title, branch, sees):
    assert Title.objects.visible_to(clerk(branches[branch])).filter(pk=title.pk).exists() is sees


def test_a_superuser_sees_every_title(title):
    assert title in Title.objects.visible_to(boss())


def test_permissions_given_to_a_person_count_too(branches, title):
    user = make_user(branches=(branches["issuing"],))
    user.user_permissions.add(Permission.objects.get(codename="change_title"))
    require_change(user, title)
