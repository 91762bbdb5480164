"""Users and groups: nobody is deleted, for the history names them; whoever leaves is made inactive."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import permission_label

admin.site.unregister(User)
admin.site.unregister(Group)


class PermissionsField(forms.ModelMultipleChoiceField):
    """Permissions by their names on the screens."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.content_type.app_labeled_name.split(' | ')[0]} | {permission_label(obj)}"


class NamesPermissions(admin.ModelAdmin):
    """Offer permissions in the reader's language: what Django made of them is English."""

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name in ("permissions", "user_permissions"):
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(User)
class PersonAdmin(NamesPermissions, UserAdmin):
    list_display = ("username", "first_name", "last_name", "groups_of", "branches_of", "is_active")
    list_filter = ("is_active", "groups", "branches")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups", "branches")

    @admin.display(description=_("groups"))
    def groups_of(self, user: Any) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "—"

    @admin.display(description=_("branches"))
    def branches_of(self, user: Any) -> str:
        return ", ".join(branch.code for branch in user.branches.all()) or "—"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Group)
class TeamAdmin(NamesPermissions, GroupAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
