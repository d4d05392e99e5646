"""A sample business in the test's database: in, sizes and a moment; out, its Plan, and rows by SQL."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from config.sample_business import make_sample_business
from rentals.sample.plan import Plan

AT = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
PUSH = "http://127.0.0.1:8025"


def make(*, at: dt.datetime = AT, replace: bool = False, **sizes: int) -> Plan:
    plan = Plan(at=at, **sizes)
    make_sample_business(plan, push_url=PUSH, replace=replace)
    return plan


@contextmanager
def kept(blocker: DjangoDbBlocker, plan: Plan) -> Iterator[Plan]:
    """A business for all tests of a module: to make one takes longer than to look at it. What a test changes is undone."""
    with blocker.unblock(), transaction.atomic():
        make_sample_business(plan, push_url=PUSH)
        yield plan
        transaction.set_rollback(True)


def fetch(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def one(sql: str, *values: Any) -> Any:
    """The only value of the only row."""
    ((value,),) = fetch(sql, *values)
    return value
