"""What is gathered is written in one statement at the block's end, or with its transaction not at all."""

from __future__ import annotations

import contextlib

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from kouan.core.database.gathered import gathering, insert_at_end

pytestmark = pytest.mark.django_db


def add(*names):
    for name in names:
        insert_at_end(Group, ("name",), [name])


def there():
    return list(Group.objects.order_by("pk").values_list("name", flat=True))


def test_it_is_written_at_the_end_in_its_order():
    with transaction.atomic(), gathering():
        add("b", "a", "c")
        assert there() == []
    assert there() == ["b", "a", "c"]


def test_where_nothing_is_gathered_it_is_written_at_once():
    add("a")
    assert there() == ["a"]
    with transaction.atomic(), gathering():
        pass
    add("b")
    assert there() == ["a", "b"]


def test_a_block_that_fails_leaves_nothing_behind():
    with contextlib.suppress(RuntimeError), transaction.atomic(), gathering():
        add("a")
        raise RuntimeError
    assert there() == []
    add("b")
    assert there() == ["b"]


def test_what_cannot_be_written_undoes_the_transaction():
    def twice():
        with transaction.atomic(), gathering():
            Group.objects.create(name="beside")
            add("a", "a")

    with pytest.raises(IntegrityError):
        twice()
    assert there() == []


def test_in_a_savepoint_it_is_written_at_once_and_undone_with_it():
    with transaction.atomic(), gathering():
        add("a")
        with contextlib.suppress(RuntimeError), transaction.atomic():
            add("b")
            assert there() == ["b"]
            raise RuntimeError
        with transaction.atomic():
            add("c")
    assert sorted(there()) == ["a", "c"]


def test_a_block_within_a_block_writes_its_own():
    with transaction.atomic(), gathering():
        add("a")
        with gathering():
            add("b")
        assert there() == ["b"]
    assert there() == ["b", "a"]
