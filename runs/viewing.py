"""Who is looking. What a visitor must not see is not there while their request is answered, whoever reads.

The models' managers ask here (`models.visible`), so that a page, a chart, an export or an API call cannot forget to.
Commands and services, which no visitor drives, see everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Visitor = AbstractBaseUser | AnonymousUser


@dataclass
class View:
    """One visitor's view of the database."""

    visitor: Visitor
    hidden_experiments: frozenset[int] | None = None
    """What the models looked up when first asked; None before."""


_current: ContextVar[View | None] = ContextVar("view", default=None)
_only: ContextVar[int | None] = ContextVar("only", default=None)


def current() -> View | None:
    """None outside of requests."""
    return _current.get()


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


@contextmanager
def only(experiment: int) -> Iterator[None]:
    """Until it ends, no other experiment is there for any visitor."""
    token = _only.set(experiment)
    try:
        yield
    finally:
        _only.reset(token)


def only_experiment() -> int | None:
    return _only.get()
