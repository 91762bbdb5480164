"""The groups of G.19 and their permissions, synced after migrate."""

import pytest
from django.contrib.auth.models import Group, Permission

from receivables.services.groups import FINANCEIRO, GERENCIA, GRANTS, SUPORTE, TESOURARIA, sync

pytestmark = pytest.mark.django_db

# Each permission that G.19 names, and the groups that have it.
WHO_MAY = {
    "receivables.change_title": {FINANCEIRO, GERENCIA},
    "receivables.settle_title": {FINANCEIRO, TESOURARIA, GERENCIA},
    "receivables.reverse_receipt": {FINANCEIRO, TESOURARIA, GERENCIA},
    "receivables.reverse_receipt_closed_cash": {TESOURARIA, GERENCIA},
    "receivables.reverse_without_debit": {GERENCIA},
    "receivables.reissue_bank_collection": {FINANCEIRO, GERENCIA},
    "receivables.grant_discount_above_limit": {GERENCIA},
    "receivables.close_cash": {TESOURARIA, GERENCIA},
    "receivables.reopen_cash": {GERENCIA},
    "receivables.use_credit": {TESOURARIA, GERENCIA},
    "receivables.resolve_divergences": {GERENCIA},
    "pos_sync.approve_quarantined_operations": {GERENCIA},
    "pos_sync.manage_devices": {GERENCIA},
    "receivables.view_audit_log": {GERENCIA, SUPORTE},
    "receivables.manage_people": {GERENCIA},
}


def permissions(group):
    rows = Group.objects.get(name=group).permissions.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


@pytest.mark.parametrize("permission", WHO_MAY)
def test_a_permission_is_of_the_groups_that_the_rule_names(permission):
    assert {group for group in GRANTS if permission in permissions(group)} == WHO_MAY[permission]


@pytest.mark.parametrize("group", [FINANCEIRO, TESOURARIA, GERENCIA, SUPORTE])
def test_everybody_may_look(group):
    assert {"receivables.view_title", "receivables.view_cashmovement", "pos_sync.view_operation"} <= permissions(group)


@pytest.mark.parametrize("group", [FINANCEIRO, TESOURARIA, GERENCIA, SUPORTE])
def test_nobody_may_delete(group):
    assert [name for name in permissions(group) if ".delete_" in name] == []


def test_support_only_looks():
    assert {name for name in permissions(SUPORTE) if ".view_" not in name} == set()


def test_every_grant_names_a_permission_that_exists():
    rows = Permission.objects.select_related("content_type")
    known = {f"{row.content_type.app_label}.{row.codename}" for row in rows}
    assert set().union(*GRANTS.values()) <= known


def test_a_sync_takes_back_what_was_given_by_hand_and_gives_what_was_taken():
    group = Group.objects.get(name=SUPORTE)
    group.permissions.set(Permission.objects.filter(codename="close_cash"))
    before = permissions(TESOURARIA)
    sync()
    assert "receivables.close_cash" not in permissions(SUPORTE)
    assert "receivables.view_audit_log" in permissions(SUPORTE)
    assert permissions(TESOURARIA) == before
