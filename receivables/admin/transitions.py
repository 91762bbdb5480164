"""The house's way from a status to a move: buttons where the FSM, the person and the branch allow, a form, one service.

A button only asks: each POST checks permission and branch again, and the service decides once more under lock.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import has_transition_perm

from receivables.admin import step_up
from receivables.admin.base import HouseAdmin
from receivables.admin.explain import CONFIRMATIONS, explain
from receivables.admin.forms import show_broken
from receivables.admin.history import told_since
from receivables.admin.tables import Table, change_url
from receivables.domain.errors import (
    BranchNotYours,
    ChangedMeanwhile,
    ConfirmationRequired,
    MoveRefused,
    NotPermitted,
    PersonOutOfReach,
    RuleBroken,
)
from receivables.models import Actor

Line = tuple[Any, Any]
FORBIDDEN = (NotPermitted, BranchNotYours, PersonOutOfReach)
CALCULATE = "_calculate"
_NO_FIGURES = (forms.Textarea, forms.HiddenInput)


class TransitionForm(forms.Form):
    """What a person is asked before a move: what is, what will be, the fields, the consequence on the button."""

    fields: Any
    data: Any
    error_fields: ClassVar[dict[str, str]] = {}
    confirmations: ClassVar[tuple[str, ...]] = ()
    confirm: Any = _("Confirm")
    calculates: ClassVar[bool] = False
    """Whether what will be depends on what is typed: the page offers to calculate it before it confirms."""
    calculated_from: ClassVar[Sequence[str]] = ()
    """The fields on which what will be depends; the page calculates by itself when one of them changes."""
    not_seen: Any = _("See above what will be now, and confirm again.")
    """What is said where something else than the page showed would be confirmed."""
    notices: Sequence[Any] = ()
    """Warnings that stand on top and again beside the button."""

    def __init__(self, *args: Any, row: Any = None, user: Any, today: date, query: Any = None, **options: Any) -> None:
        self.row, self.user, self.today, self.query = row, user, today, query or {}
        super().__init__(*args, **options)
        if self.confirmations:
            self.fields["confirmed"] = forms.MultipleChoiceField(
                label=_("Confirmation"),
                required=False,
                choices=[(code, CONFIRMATIONS[code]) for code in self.confirmations],
                widget=forms.MultipleHiddenInput,
            )
            self.fields["asked_for"] = forms.CharField(required=False, widget=forms.HiddenInput)
        if hasattr(row, "version"):
            self.fields["version"] = forms.IntegerField(required=False, initial=row.version, widget=forms.HiddenInput)
        if self.calculates or self.must_be_seen():
            self.fields["seen"] = forms.CharField(required=False, initial=self.must_be_seen, widget=forms.HiddenInput)

    def must_be_seen(self) -> str:
        """Give what has no version and nobody confirms without having seen it on the page, as text; empty for nothing.

        Where the page calculates, another one is shown and asked for anew; else it is refused as changed meanwhile.
        """
        return ""

    @property
    def is_calculating(self) -> bool:
        """Say whether the person only asked what will be."""
        return self.calculates and CALCULATE in self.data

    def what_is(self) -> Sequence[Line]:
        """Give what stands now, label by label."""
        return []

    def what_will_be(self) -> Sequence[Line]:
        """Give what the move will leave, label by label."""
        return []

    def tables(self) -> Sequence[Table]:
        """Give tables that help to decide."""
        return []

    def proposals(self) -> Mapping[str, str]:
        """Give what the page writes into fields of which the person left what was proposed, by name."""
        return {}

    def texts(self) -> Mapping[str, str]:
        """Give further texts of the page that depend on what is typed, by the id of their element."""
        return {}

    def groups(self) -> Sequence[tuple[Any, forms.Form]]:
        """Give further forms of the page with their titles."""
        return []

    def visible_fields(self) -> list[forms.BoundField]:
        """Leave out the proof of who acts: it stands beside the button, after all that is asked."""
        return [field for field in super().visible_fields() if field.name != step_up.FIELD]

    @property
    def step_up(self) -> forms.BoundField | None:
        """Give the field that asks for the password or a code once more, where the move asks for it now."""
        return self[step_up.FIELD] if step_up.FIELD in self.fields else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        seen = cleaned.get("version")
        if seen is not None and seen != self.row.version:
            show_broken(self, self.changed_meanwhile(seen))
        now, seen = self.must_be_seen(), cleaned.get("seen")
        if now and self.calculates:
            if seen != now and not self.is_calculating:
                self.add_error(None, forms.ValidationError(self.not_seen, code="not_seen"))
            self.data = self.data.copy()
            self.data["seen"] = now
        elif now and seen not in ("", None, now):
            show_broken(self, ChangedMeanwhile(what=str(self.row)))
        return cleaned

    def changed_meanwhile(self, seen: int) -> ChangedMeanwhile:
        """Say that the row is not the version any more that the person saw."""
        return ChangedMeanwhile(what=told_since(self.row, seen))

    def require(self) -> None:
        """Raise NotPermitted or BranchNotYours where what is asked, or was answered, needs more than the button did."""

    def verify(self, result: Any) -> None:
        """Raise ChangedMeanwhile, undoing all, where what the service found was not what the person saw."""

    def values(self) -> dict[str, Any]:
        """Give what the service is called with, beside who, when and today."""
        raise NotImplementedError

    def done(self, result: Any) -> str:
        """Say what happened and what comes next."""
        raise NotImplementedError

    @property
    def confirmed(self) -> frozenset[str]:
        """Give the warnings that were ticked: for the figures that are sent, and not for those of before."""
        is_for_this = self.data.get("asked_for") in (None, "", self._figures())
        return frozenset(self.cleaned_data.get("confirmed", ())) if is_for_this else frozenset()

    def _figures(self) -> str:
        """Tell apart what is typed, but for words and the proof of who acts."""
        figures = [
            (name, self.data.get(name))
            for name, field in self.fields.items()
            if name not in ("confirmed", step_up.FIELD) and not isinstance(field.widget, _NO_FIGURES)
        ]
        return sha256(repr(figures).encode()).hexdigest()[:16]

    def forget_confirmations(self) -> None:
        """Ask anew: a tick was for what stood on the page then, and is never carried where it is not seen."""
        if "confirmed" in self.data:
            self.data = self.data.copy()
            self.data.pop("confirmed")

    def refuse(self, broken: RuleBroken) -> None:
        """Show a broken rule beside its field; a confirmable warning opens its box “ciente”."""
        if isinstance(broken, ConfirmationRequired) and self.confirmations:
            self.ask_to_confirm(broken.facts["codes"])
        show_broken(self, broken)

    def ask_to_confirm(self, codes: Any) -> None:
        """Show the boxes to tick for these warnings."""
        field = self.fields["confirmed"]
        field.choices = [(code, CONFIRMATIONS[code]) for code in codes]
        field.widget = forms.CheckboxSelectMultiple(choices=field.choices)
        self.data = self.data.copy()
        self.data["asked_for"] = self._figures()


@dataclass(frozen=True)
class Transition:
    """A button: its label, the move that must be legal, who may, the form and the one service that acts."""

    label: Any
    form: type[TransitionForm]
    service: Callable[..., Any]
    require: Callable[[Any, Any], None]
    verb: str = ""
    applies: Callable[[Any], bool] = lambda row: True
    goes_to: Callable[[Any], str] | None = None
    answers: Callable[[HttpRequest, Any], HttpResponse] | None = None
    """Shows what came of it on a page of its own: seen once, for nothing keeps it."""
    why_not: Callable[[Any], RuleBroken | None] = lambda row: None
    """Names the rule by which a row is not for this move, where its status alone does not tell."""
    is_rare: bool = False
    """Whether its button stands last, after what a person comes for."""
    template: str = ""
    """A page of its own, where the house's does not do."""
    step_up: bool | Callable[[Any], bool] = False
    """Whether the person proves once more who he is: always, or for such a form (the closed-cash reversal)."""

    def needs_step_up(self, form: TransitionForm) -> bool:
        """Say whether what this form asks for is grave enough to type one's password or a code again."""
        return self.step_up if isinstance(self.step_up, bool) else self.step_up(form)

    def is_legal(self, row: Any) -> bool:
        """Say whether the row's status allows the move, whoever asks."""
        legal = has_transition_perm(getattr(row, self.verb), _ANYBODY) if self.verb else True
        return legal and self.applies(row)

    def is_offered(self, row: Any, user: Any) -> bool:
        """Say whether the button is shown to the user."""
        return self.is_legal(row) and self._is_allowed(row, user)

    def _is_allowed(self, row: Any, user: Any) -> bool:
        try:
            self.check(row, user)
        except FORBIDDEN:
            return False
        return True

    def check(self, row: Any, user: Any) -> None:
        """Raise NotPermitted or BranchNotYours unless the user may do this, by our rules and the FSM's."""
        self.require(user, row)
        if self.verb and self.is_legal(row) and not has_transition_perm(getattr(row, self.verb), user):
            raise NotPermitted(permission=str(self.label))

    def act(self, form: TransitionForm, *, by: Actor) -> Any:
        """Call the service once, giving it who, when and today where it asks for them."""
        moment = {"by": by, "now": timezone.now(), "on": form.today}
        asked = inspect.signature(self.service).parameters
        return self.service(**form.values(), **{name: value for name, value in moment.items() if name in asked})


class _Anybody:
    """Asks the FSM about statuses alone."""

    def has_perm(self, *_args: Any) -> bool:
        return True


_ANYBODY: Any = _Anybody()


class TransitionAdmin(HouseAdmin):
    """A noun whose moves are buttons. `transitions` act on a row, `desk_transitions` need none yet (close a day)."""

    transitions: ClassVar[Mapping[str, Transition]] = {}
    desk_transitions: ClassVar[Mapping[str, Transition]] = {}
    transition_template = "admin/quita/transition.html"

    def get_urls(self) -> list[URLPattern]:
        stem = f"{self.opts.app_label}_{self.opts.model_name}"
        of_a_row = [
            path(f"<int:object_id>/{name}/", self._view(name), name=f"{stem}_{name}") for name in self.transitions
        ]
        of_a_row += [
            path(f"<int:object_id>/{name}/preview/", self._preview(name), name=f"{stem}_{name}_preview")
            for name, transition in self.transitions.items()
            if transition.form.calculates
        ]
        of_the_desk = [path(f"{name}/", self._desk(name), name=f"{stem}_{name}") for name in self.desk_transitions]
        of_the_desk += [
            path(f"{name}/preview/", self._desk_preview(name), name=f"{stem}_{name}_preview")
            for name, transition in self.desk_transitions.items()
            if transition.form.calculates
        ]
        return [*of_a_row, *of_the_desk, *super().get_urls()]

    def _view(self, name: str) -> Callable[..., HttpResponse]:
        return self.admin_site.admin_view(partial(self.transition_view, name=name))

    def _preview(self, name: str) -> Callable[..., HttpResponse]:
        return self.admin_site.admin_view(partial(self.preview_view, name=name))

    def _desk(self, name: str) -> Callable[..., HttpResponse]:
        return self.admin_site.admin_view(partial(self.desk_view, name=name))

    def _desk_preview(self, name: str) -> Callable[..., HttpResponse]:
        return self.admin_site.admin_view(partial(self.desk_preview_view, name=name))

    # Buttons

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {"buttons": self.buttons(request, object_id), **(extra_context or {})} if object_id else extra_context
        return super().changeform_view(request, object_id, form_url, context)

    def buttons(self, request: HttpRequest, object_id: str) -> list[dict[str, Any]]:
        """Give the buttons that this user has on this row now."""
        row = self.get_row(request, object_id)
        return [
            {
                "name": name,
                "label": transition.label,
                "url": self._url(name, row.pk),
                "notices": transition.form.notices,
                "is_rare": transition.is_rare,
            }
            for name, transition in self.transitions.items()
            if transition.is_offered(row, request.user)
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        buttons = [
            {"name": name, "label": transition.label, "url": self._url(name)}
            for name, transition in self.desk_transitions.items()
            if transition.is_offered(None, request.user)
        ]
        return super().changelist_view(request, {"buttons": buttons, **(extra_context or {})})

    def _url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=args)

    # The form page and its POST

    def transition_view(self, request: HttpRequest, object_id: int, *, name: str) -> HttpResponse:
        """Ask, then act on one row; a status that no longer allows it is told on the row's own page."""
        transition, row = self.transitions[name], self.get_row(request, str(object_id))
        with _forbidding():
            transition.check(row, request.user)
        if not transition.is_legal(row):
            self.message_user(request, explain(_refusal(transition, row)), messages.ERROR)
            return HttpResponseRedirect(change_url(row))
        return self._ask_or_act(request, transition, row)

    def preview_view(self, request: HttpRequest, object_id: int, *, name: str) -> HttpResponse:
        """Tell what is and what will be with what is typed, as JSON; nothing is written."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        transition, row = self.transitions[name], self.get_row(request, str(object_id))
        with _forbidding():
            transition.check(row, request.user)
        if not transition.is_legal(row):
            return JsonResponse({"errors": [explain(_refusal(transition, row))]}, status=409)
        return self._calculated(request, transition, row)

    def desk_preview_view(self, request: HttpRequest, *, name: str) -> HttpResponse:
        """Tell what will be where no row is there yet, or with several; nothing is written."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        transition = self.desk_transitions[name]
        with _forbidding():
            transition.check(None, request.user)
        return self._calculated(request, transition, None)

    def _calculated(self, request: HttpRequest, transition: Transition, row: Any) -> HttpResponse:
        data = request.POST.copy()
        data[CALCULATE] = "1"
        form = transition.form(data, row=row, user=request.user, today=timezone.localdate(), query=request.GET)
        with _forbidding():
            form.require()
        return JsonResponse(_told(form))

    def desk_view(self, request: HttpRequest, *, name: str) -> HttpResponse:
        """Ask, then act where no row is there yet, or on several."""
        transition = self.desk_transitions[name]
        with _forbidding():
            transition.check(None, request.user)
        return self._ask_or_act(request, transition, None)

    def _ask_or_act(self, request: HttpRequest, transition: Transition, row: Any) -> HttpResponse:
        known = {"row": row, "user": request.user, "today": timezone.localdate(), "query": request.GET}
        form = transition.form(request.POST if request.method == "POST" else None, **known)
        with _forbidding():
            form.require()
        _ask_for_proof(request, transition, form)
        if not form.is_calculating and form.is_valid():
            try:
                return self._act(request, transition, form, row)
            except RuleBroken as broken:
                form.refuse(broken)
            except IntegrityError:
                form.refuse(ChangedMeanwhile(what=str(row or self.opts.verbose_name)))
        form.forget_confirmations()
        return self._page(request, transition, form, row)

    def _act(self, request: HttpRequest, transition: Transition, form: TransitionForm, row: Any) -> HttpResponse:
        with transaction.atomic():
            result = transition.act(form, by=Actor.person(request.user))
            form.verify(result)
        if transition.answers is not None:
            return transition.answers(request, result)
        self.message_user(request, form.done(result), messages.SUCCESS)
        if transition.goes_to is not None:
            return HttpResponseRedirect(transition.goes_to(result))
        if row is not None:
            return HttpResponseRedirect(change_url(row))
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def _page(self, request: HttpRequest, transition: Transition, form: TransitionForm, row: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{transition.label} · {row}" if row else transition.label,
            "form": form,
            "row": row,
            "back": change_url(row) if row else self._url("changelist"),
            "opts": self.opts,
            "media": sum((group.media for _title, group in form.groups()), self.media + form.media),
            "preview": f"{request.path}preview/?{request.GET.urlencode()}" if form.calculates else "",
        }
        return TemplateResponse(request, transition.template or self.transition_template, context)


def _ask_for_proof(request: HttpRequest, transition: Transition, form: TransitionForm) -> None:
    """Add the field of the step-up where it is due, and judge what was typed into it, whatever else is wrong."""
    if not transition.needs_step_up(form) or step_up.is_fresh(request):
        return
    form.fields[step_up.FIELD] = step_up.field_for(request.user)
    typed = form.data.get(step_up.FIELD, "")
    if not form.is_bound or form.is_calculating or not typed:
        return
    try:
        step_up.prove(request, typed)
    except RuleBroken as broken:
        form.add_error(step_up.FIELD, forms.ValidationError(explain(broken), code=broken.code))
    else:
        del form.fields[step_up.FIELD]


@contextmanager
def _forbidding() -> Iterator[None]:
    """Answer 403, in the person's words, where a permission or a branch is missing."""
    try:
        yield
    except FORBIDDEN as broken:
        raise PermissionDenied(explain(broken)) from broken


def _refusal(transition: Transition, row: Any) -> RuleBroken:
    return transition.why_not(row) or MoveRefused(
        noun=str(row), status=_status_of(row), verb=str(transition.label), model=row._meta.label_lower
    )


def _told(form: TransitionForm) -> dict[str, Any]:
    """Give the two columns of a form's page and its tables, the errors of what was typed, what its fields take."""
    errors = [error for found in form.errors.values() for error in found]
    return {
        "fields": form.proposals(),
        "texts": form.texts(),
        "confirm": str(form.confirm),
        "tables": render_to_string("admin/quita/tables.html", {"tables": form.tables()}),
        "is": [(str(label), str(value)) for label, value in form.what_is()],
        "will_be": [(str(label), str(value)) for label, value in form.what_will_be()],
        "hidden": {field.html_name: field.value() for field in form.hidden_fields() if isinstance(field.value(), str)},
        "errors": errors,
    }


def _status_of(row: Any) -> str:
    return str(getattr(row, "status", "") or getattr(row, "state", ""))
