"""História completa: all that ever happened around one row, told in order on one page.

The lines are those of `trail`, of every noun that knows the row.
"""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from receivables.admin.audit import days_of
from receivables.admin.pages import Page, add_page
from receivables.admin.tables import change_url
from receivables.admin.trail import Asked, Mark
from receivables.admin.trail.reader import read
from receivables.models import CashSession, Customer, Installment, Receipt, Title

PER_PAGE = 200
STORIES: dict[str, Any] = {
    model._meta.model_name or "": model for model in (Title, Installment, Customer, Receipt, CashSession)
}
"""The nouns whose rows have a story."""


def story_address(row: Any) -> str:
    """Give the address of a row's story; "" where its noun has none."""
    name = row._meta.model_name
    return reverse("admin:story", args=[name, row.pk]) if STORIES.get(name) is type(row) else ""


def newest_of(request: HttpRequest, row: Any, *, most: int) -> list[Any]:
    """Give the newest lines of a row's story under their days, newest first: a part of the row's own page."""
    return days_of(read(request, Asked(touching=[{type(row): [row.pk]}]), most=most).lines)


def story_page(request: HttpRequest, noun: str, pk: int) -> dict[str, Any]:
    """Tell a row's story from its beginning, a page at a time."""
    model = STORIES.get(noun)
    if model is None:
        raise Http404
    page: Any = admin.site._registry[model]
    row = page.get_row(request, str(pk))
    after = Mark.read(request.GET.get("after", ""))
    found = read(request, Asked(touching=[{model: [row.pk]}]), most=PER_PAGE, after=after, oldest_first=True)
    return {
        "title": _("Complete story of %(row)s") % {"row": row},
        "days": days_of(found.lines),
        "later": found.after,
        "is_continued": after is not None,
        "row": row,
        "row_address": change_url(row),
        "opts": model._meta,
    }


STORY = add_page(
    Page(
        "story", "story/<slug:noun>/<int:pk>/", story_page,
        tuple(f"receivables.view_{name}" for name in STORIES), template="admin/quita/story.html",
    )
)  # fmt: skip
