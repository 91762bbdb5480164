"""What is typed of people: who they are and where they work, and the moves of their access."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext_lazy as _

from receivables.admin.forms import ReasonField, RuleForm
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.errors import NotOnYourself, ReasonTooLong, ReasonTooShort
from receivables.models import Branch
from receivables.services.second_factor import codes_left, has_factor


class PersonForm(RuleForm):
    """Who somebody is and where he works; a new person gets a first password."""

    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), label=_("groups"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("What the person may do."),
    )  # fmt: skip
    branches = forms.ModelMultipleChoiceField(
        Branch.objects.none(), label=_("branches"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Whose titles the person sees and works on."),
    )  # fmt: skip
    password = forms.CharField(
        label=_("first password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least ten characters. Tell it to the person, who changes it after the first login."),
    )  # fmt: skip

    class Meta:
        model = User
        fields: ClassVar = ["username", "first_name", "last_name", "email"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk and "groups" in self.fields:
            self.fields["groups"].initial = self.instance.groups.all()
            self.fields["branches"].initial = self.instance.branches.all()

    def clean_password(self) -> str:
        typed = self.cleaned_data["password"]
        password_validation.validate_password(typed, self.instance)
        return typed


class PersonMoveForm(TransitionForm):
    """A change of somebody's access, with a reason."""

    error_fields: ClassVar = {ReasonTooShort.code: "reason", ReasonTooLong.code: "reason",
                              NotOnYourself.code: "reason"}  # fmt: skip
    told: ClassVar[Any]

    reason = ReasonField()

    def what_is(self) -> Sequence[Line]:
        return [(_("Person"), _named(self.row)), (_("groups"), groups_told(self.row)),
                (_("branches"), branches_told(self.row)), (_("second factor"), told_factor(self.row))]  # fmt: skip

    def values(self) -> dict[str, Any]:
        return {"user_id": self.row.pk, "reason": self.cleaned_data["reason"]}

    def done(self, result: Any) -> str:
        return str(self.told) % {"person": result}


class DeactivateForm(PersonMoveForm):
    confirm = _("Deactivate")
    told = _("%(person)s logs in no more, from now on.")

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Access"), _("None: open pages end at the next click. What the person did stays as it is."))]


class ActivateForm(PersonMoveForm):
    confirm = _("Activate again")
    told = _("%(person)s may log in again.")


class RemoveFactorForm(PersonMoveForm):
    confirm = _("Remove the second factor")
    told = _("%(person)s logs in with the password alone, until a phone is enrolled again.")

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Logging in"), _("Password alone. Make sure that it is really the person who asks."))]


class PasswordForm(TransitionForm):
    """A new password, for who forgot the old one."""

    confirm = _("Save the new password")

    password = forms.CharField(
        label=_("new password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least ten characters. Tell it to the person, who changes it after the first login."),
    )  # fmt: skip
    again = forms.CharField(
        label=_("new password again"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def what_is(self) -> Sequence[Line]:
        return [(_("Person"), _named(self.row))]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Access"), _("Open pages of the person end at the next click."))]

    def clean_password(self) -> str:
        password_validation.validate_password(self.cleaned_data["password"], self.row)
        return self.cleaned_data["password"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "password" in cleaned and cleaned.get("again") != cleaned["password"]:
            self.add_error("again", _("The two passwords are not the same. Type them again."))
        return cleaned

    def values(self) -> dict[str, Any]:
        return {"user_id": self.row.pk, "password": self.cleaned_data["password"]}

    def done(self, result: Any) -> str:
        return _("The new password of %(person)s was saved.") % {"person": result}


def _named(person: Any) -> str:
    return f"{person.get_full_name()} ({person.get_username()})" if person.get_full_name() else person.get_username()


def groups_told(person: Any) -> str:
    return ", ".join(sorted(group.name for group in person.groups.all())) or "—"


def branches_told(person: Any) -> str:
    return ", ".join(sorted(branch.code for branch in person.branches.all())) or "—"


def told_factor(person: Any) -> str:
    if not has_factor(person):
        return str(_("None"))
    return str(_("In use, %(count)s recovery codes left") % {"count": codes_left(person)})
