"""Users and groups: managers add people of their branches and put them in groups; nobody is deleted (G.19).

Groups themselves are an administrator's; whoever leaves is made inactive, for the history names him.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from receivables.admin.base import HouseAdmin, ReadOnlyAdmin, branches_of
from receivables.admin.explain import permission_label, written
from receivables.admin.people_forms import (
    ActivateForm,
    DeactivateForm,
    PasswordForm,
    PersonForm,
    RemoveFactorForm,
    branches_told,
    groups_told,
    told_factor,
)
from receivables.admin.tables import Table, chip
from receivables.admin.transitions import Transition, TransitionAdmin
from receivables.models import AccessEvent, Actor
from receivables.services import access
from receivables.services.people import (
    MANAGE_PEOPLE,
    activate_person,
    deactivate_person,
    groups_given_by,
    is_in_reach,
    remove_factor_of,
    require_reach,
    save_person,
    seen_by,
    set_password,
)
from receivables.services.second_factor import has_factor

for _model in (User, Group, TOTPDevice, StaticDevice):
    admin.site.unregister(_model)  # secrets of phones are on no page


def _may_manage(user: Any, person: Any) -> None:
    access.require(user, MANAGE_PEOPLE)
    if person is not None:
        require_reach(user, person)


def _manages(request: HttpRequest) -> bool:
    return request.user.has_perm(MANAGE_PEOPLE)


@admin.register(User)
class PersonAdmin(TransitionAdmin, HouseAdmin):
    form = PersonForm
    list_display = ("username", "first_name", "last_name", "told_groups", "told_branches", "active_chip", "last_login")
    list_filter = ("is_active", "groups", "branches")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    transitions: ClassVar = {
        "new-password": Transition(
            label=_("New password"), form=PasswordForm, service=set_password, require=_may_manage, step_up=True
        ),
        "remove-factor": Transition(
            label=_("Remove the second factor"), form=RemoveFactorForm, service=remove_factor_of, require=_may_manage,
            applies=has_factor, step_up=True,
        ),
        "deactivate": Transition(
            label=_("Deactivate"), form=DeactivateForm, service=deactivate_person, require=_may_manage,
            applies=lambda person: person.is_active,
        ),
        "activate": Transition(
            label=_("Activate again"), form=ActivateForm, service=activate_person, require=_may_manage,
            applies=lambda person: not person.is_active,
        ),
    }  # fmt: skip

    # Who manages whom

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _manages(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _manages(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _manages(request) and (obj is None or is_in_reach(obj, of=request.user))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        mine = seen_by(request.user).values("pk")
        return super().get_queryset(request).filter(pk__in=mine).prefetch_related("groups", "branches")

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        typed = obj is None or self.has_change_permission(request, obj)
        who = ["username", "first_name", "last_name", "email"]
        what = ["groups", "branches"] if typed else ["told_groups", "told_branches"]
        state = [("active_chip", "told_factor", "last_login", "date_joined")]
        return [
            (_("Identification"), {"fields": [*who, *(["password"] if obj is None else [])]}),
            (_("Access"), {"fields": [*what, *(state if obj else [])]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ["told_groups", "told_branches", "active_chip", "told_factor", "last_login", "date_joined"]
        return shown if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        form = super().get_form(request, obj, change, **options)
        if obj is not None:
            form.base_fields.pop("password", None)
        if "branches" in form.base_fields:
            form.base_fields["branches"].queryset = branches_of(request.user)
            form.base_fields["groups"].queryset = groups_given_by(request.user).order_by("name")
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if change and not is_in_reach(obj, of=request.user):
            raise PermissionDenied
        given = form.cleaned_data
        branches = [*given["branches"]]
        if change:
            branches += obj.branches.exclude(pk__in=branches_of(request.user).values("pk"))  # closed ones stay
        else:
            obj.set_password(given["password"])
        save_person(person=obj, groups=given["groups"], branches=branches, by=Actor.person(request.user))

    def head(self, row: Any) -> dict[str, Any]:
        return {"chip": self.active_chip(row), "subtitle": row.get_full_name()}

    @admin.display(description=_("groups"))
    def told_groups(self, person: Any) -> str:
        return groups_told(person)

    @admin.display(description=_("branches"))
    def told_branches(self, person: Any) -> str:
        return branches_told(person)

    @admin.display(description=_("status"), ordering="is_active")
    def active_chip(self, person: Any) -> SafeString:
        return chip("active", _("Active")) if person.is_active else chip("cancelled", _("Inactive"))

    @admin.display(description=_("second factor"))
    def told_factor(self, person: Any) -> str:
        return told_factor(person)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Changes of access"), [_("posted at"), _("what happened"), _("actor"), _("details"), _("reason")],
            _("Nothing was changed yet. Groups, branches, passwords and the second factor are told here."),
        )  # fmt: skip
        events = row.access_events.order_by("-pk")[:100]
        return [table.fill([e.posted_at, e.get_kind_display(), e.actor, e.details, e.reason] for e in events)]


@admin.register(AccessEvent)
class AccessEventAdmin(ReadOnlyAdmin):
    list_display = ("told_at", "person", "kind", "actor", "details", "reason")
    list_filter = ("kind", "posted_at")
    list_select_related = ("person",)
    search_fields = ("person__username", "person__first_name", "person__last_name", "actor")
    fields = (("told_at", "person", "kind"), ("actor", "told_channel"), "details", "reason")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _manages(request) or request.user.has_perm("receivables.view_audit_log")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(person__in=seen_by(request.user).values("pk"))

    @admin.display(description=_("posted at"), ordering="posted_at")
    def told_at(self, event: AccessEvent) -> str:
        return written(event.posted_at)


# Groups: an administrator's


class PermissionsField(forms.ModelMultipleChoiceField):
    """Permissions by their names on the screens."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.content_type.app_labeled_name.split(' | ')[0]} | {permission_label(obj)}"


@admin.register(Group)
class TeamAdmin(GroupAdmin):
    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer permissions in the reader's language: what Django made of them is English."""
        if db_field.name == "permissions":
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
