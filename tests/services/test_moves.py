"""The doors to a change of status, one row or many, and the history that both write (B6)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model

from receivables.domain.errors import MoveRefused
from receivables.models import SYSTEM, Actor, Branch, Customer, Installment, InstallmentStatus, Product, TitleStatus
from receivables.services.moves import Step, create_audited, move, move_many, run, write_many
from receivables.services.reversal import reverse_title
from tests.ledger import refused, told
from tests.make import CASHIER, NOW, TODAY, make_title, make_user
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

WHY = "parcela paga no balcão"


def installments(count=3, amount="100.00"):
    return list(make_title(amounts=(amount,) * count).installments.all())


def left(row, balance):
    return row.standing._replace(balance=Decimal(balance))


def settled(row, because=WHY):
    return Step(row.settle, {"standing": left(row, "0.00")}, because)


# One row


def test_a_move_saves_the_row_and_tells_who_why_and_through_which_channel():
    title = make_title()
    move(title.cancel, reason="duplicado", by=CASHIER, because="duplicado")
    title.refresh_from_db()
    assert (title.status, title.cancel_reason, title.version) == (TitleStatus.CANCELLED, "duplicado", 2)
    assert told(title) == ("ana", "back_office", "duplicado")


def test_a_move_of_a_person_names_the_user_in_the_history():
    user = make_user(username="caio")
    title = make_title()
    move(title.cancel, reason="x", by=Actor.person(user, channel="api"))
    newest = title.history.first()
    assert (newest.history_user, newest.actor, newest.channel, newest.history_change_reason) == (
        user,
        "caio",
        "api",
        None,
    )


def test_the_history_of_a_move_names_its_verb_and_that_of_a_change_none():
    title = make_title()
    move(title.cancel, reason="x", by=CASHIER)
    title.notes = "depois"
    title.save_as(CASHIER)
    assert list(title.history.order_by("history_id").values_list("move", flat=True)) == ["", "cancel", ""]


def test_a_move_writes_only_what_it_changed():
    title = make_title()
    stale = type(title).objects.get(pk=title.pk)
    title.notes = "escrito depois"
    title.save_as(SYSTEM)
    move(stale.cancel, reason="x", by=CASHIER)
    title.refresh_from_db()
    assert (title.notes, title.status) == ("escrito depois", TitleStatus.CANCELLED)


def test_a_move_that_the_status_does_not_allow_is_refused_by_name():
    title = make_title()
    with refused(MoveRefused, "move_refused") as refusal:
        move(title.reopen, by=CASHIER)
    assert refusal.value.facts.items() >= {"noun": str(title), "status": "pending", "verb": "reopen"}.items()


def test_a_move_in_memory_writes_nothing():
    title = make_title()
    run(title.cancel, reason="x")
    assert title.status == TitleStatus.CANCELLED
    assert type(title).objects.get(pk=title.pk).status == TitleStatus.PENDING


# Many rows


def test_many_rows_move_together_each_with_its_reason():
    rows = installments()
    move_many([settled(row, because=f"recibo {row.number}") for row in rows], by=CASHIER)
    for row in rows:
        fresh = Installment.objects.get(pk=row.pk)
        assert (fresh.status, fresh.balance, fresh.version) == (InstallmentStatus.SETTLED, 0, 2)
        assert told(fresh) == ("ana", "back_office", f"recibo {row.number}")


def test_history_written_in_a_batch_is_the_row_as_it_stands():
    (row,) = installments(1)
    standing = row.standing._replace(balance=Decimal("12.34"), interest_from=TODAY + timedelta(days=3),
                       fine_charged=True, carried_charges=Decimal("0.05"))  # fmt: skip
    move_many([Step(row.settle_part, {"standing": standing})], by=CASHIER)
    newest, first = row.history.all()
    for field in Installment._meta.concrete_fields:
        assert getattr(newest, field.attname) == getattr(Installment.objects.get(pk=row.pk), field.attname), field.name
    assert (newest.history_type, newest.history_change_reason, newest.balance) == ("~", None, Decimal("12.34"))
    assert (newest.move, first.move) == ("settle_part", "")
    assert (first.history_type, first.version, first.balance) == ("+", 1, 100)


def test_a_row_that_takes_several_steps_keeps_where_it_ended():
    (row,) = installments(1)
    steps = [Step(row.settle_part, {"standing": left(row, "40.00")}, "primeira"), settled(row, because="segunda")]
    move_many(steps, by=CASHIER)
    row.refresh_from_db()
    assert (row.status, row.version, row.history.count()) == (InstallmentStatus.SETTLED, 2, 2)
    assert told(row) == ("ana", "back_office", "segunda")


def test_one_refusal_in_a_batch_writes_nothing_of_it():
    first, second, third = installments()
    move_many([settled(second)], by=CASHIER)
    steps = [settled(first), settled(second), settled(third)]
    with refused(MoveRefused, "move_refused"):
        move_many(steps, by=CASHIER)


def test_the_other_rows_of_the_table_are_left_alone():
    rows, others = installments(), installments()
    move_many([settled(rows[0])], by=CASHIER)
    untouched = Installment.objects.exclude(pk=rows[0].pk)
    assert set(untouched.values_list("status", "version")) == {("pending", 1)}
    assert [row.history.count() for row in others] == [1, 1, 1]


def test_two_copies_of_one_row_in_a_batch_are_a_mistake_of_the_caller():
    (row,) = installments(1)
    copy = Installment.objects.get(pk=row.pk)
    with pytest.raises(ValueError, match="two instances"):
        move_many([settled(row), settled(copy)], by=CASHIER)


def test_an_empty_batch_is_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        move_many([], by=CASHIER)
        write_many([], reasons={}, by=CASHIER)
        assert create_audited([], by=CASHIER) == []


@pytest.mark.parametrize("count", [2, 20])
def test_a_batch_is_one_update_and_one_insert_of_history(count, django_assert_num_queries):
    steps = [settled(row) for row in installments(count)]
    with django_assert_num_queries(2):
        move_many(steps, by=CASHIER)


def test_a_batch_writes_texts_dates_booleans_and_empty_columns_as_they_are():
    rows = [Customer(document=f"{number:011d}", name=name) for number, name in enumerate(("Ana", "Léo"))]
    create_audited(rows, by=SYSTEM)
    rows[0].name, rows[0].email, rows[0].is_active = """aspas ' e " e \\ e ção""", "ana@exemplo.com.br", False
    write_many(rows, reasons={rows[0].pk: """o'Brien "disse" """}, by=CASHIER)
    fresh = Customer.objects.get(pk=rows[0].pk)
    assert (fresh.name, fresh.email, fresh.is_active) == ("""aspas ' e " e \\ e ção""", "ana@exemplo.com.br", False)
    assert told(fresh) == ("ana", "back_office", """o'Brien "disse" """)
    other = Customer.objects.get(pk=rows[1].pk)
    assert (other.city, other.name, told(other)[2]) == (None, "Léo", None)


# Creation


def test_rows_are_created_together_with_their_history():
    user = get_user_model().objects.create_user("caio")
    rows = create_audited(
        [Product(code=f"P{number}", name="Frete") for number in range(3)], by=Actor.person(user), because="tabela nova"
    )
    assert [row.pk for row in rows] == sorted(Product.objects.values_list("pk", flat=True))
    for row in rows:
        (entry,) = row.history.all()
        assert (entry.history_type, entry.code, entry.history_user) == ("+", row.code, user)
        assert told(row) == ("caio", "back_office", "tabela nova")


def test_a_movement_keeps_who_posted_it_apart_from_who_changes_it():
    """Its own columns are also called actor and channel."""
    title = make_title()
    movement = settle(title, "1000.00").movements.get()
    other = Actor(name="caio", channel="api")
    reverse_title(title_id=title.pk, reason="lançado duas vezes", by=other, now=NOW, on=TODAY)
    movement.refresh_from_db()
    assert (movement.actor, told(movement)[:2]) == ("ana", ("caio", "api"))
    assert movement.history.earliest("history_id").actor == "ana"


# Saving without a move


def test_a_save_without_an_actor_is_the_systems():
    branch = Branch(code="77", name="Nova", parameter_set=make_title().issuing_branch.parameter_set)
    branch.save()
    assert told(branch) == ("system", "system", None)


def test_a_versioned_row_grows_with_each_save_whatever_was_saved():
    customer = Customer(document="11144477735", name="Ana")
    customer.save_as(SYSTEM)
    customer.name = "Ana Maria"
    customer.save_as(CASHIER, fields=["name"])
    customer.refresh_from_db()
    assert (customer.version, customer.name) == (2, "Ana Maria")
    assert customer.history.first().version == 2
