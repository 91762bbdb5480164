"""How the tests reach the pages and read them."""

from django.urls import reverse

from receivables.models import CashMovement, Receipt
from tests.make import TODAY

FORMAT = "%d/%m/%Y"
PROVEN = {"step_up": "secret"}
"""What a person types once more where a move asks who he is (the password that `make_user` gives)."""


def page(row, name="change"):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def desk(model, name):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}")


def errors_of(response):
    """The codes of a form's errors by field."""
    context = response.context
    form = context["adminform"].form if "adminform" in context else context["form"]
    return {field: [error.code for error in found] for field, found in form.errors.as_data().items()}


def buttons_of(client, row):
    return {button["name"] for button in client.get(page(row)).context["buttons"]}


def settlement(title, received, *, on=TODAY, **values):
    """What a person types to settle, in Brazilian formats."""
    usual = {
        "received": received, "received_on": on.strftime(FORMAT), "cash_date": on.strftime(FORMAT), "method": "cash",
        "version": title.version,
    }  # fmt: skip
    return usual | values


def money_moved():
    return Receipt.objects.count(), CashMovement.objects.count()
