"""Who is looking. While a request is answered, private experiments of others are not there, whoever reads.

The models' default managers ask here, so that a page, a chart, an export or an API call cannot forget to. Commands
and services, which no visitor drives, see everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Visitor = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True)
class View:
    """One visitor's view of the database. What is hidden is looked up once, when first asked for."""

    visitor: Visitor

    @cached_property
    def hidden_experiments(self) -> frozenset[int]:
        from runs.models import Experiment

        if getattr(self.visitor, "is_staff", False):
            return frozenset()
        hidden = Experiment._base_manager.filter(is_private=True)
        if self.visitor.pk is not None:
            hidden = hidden.exclude(owner_id=self.visitor.pk)
        return frozenset(hidden.values_list("pk", flat=True))


_current: ContextVar[View | None] = ContextVar("view", default=None)


def hidden_experiments() -> frozenset[int]:
    """Experiments that whoever is looking must not see; empty outside of requests."""
    view = _current.get()
    return view.hidden_experiments if view else frozenset()


@contextmanager
def seen_by(visitor: Visitor | None) -> Iterator[None]:
    """Until it ends, reads are this visitor's; None sees everything."""
    token = _current.set(View(visitor) if visitor else None)
    try:
        yield
    finally:
        _current.reset(token)


def look_as(visitor: Visitor) -> None:
    """From now on, until this request ends, reads are this visitor's: a token tells later than a session who it is."""
    _current.set(View(visitor))
