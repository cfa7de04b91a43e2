"""What changed, for feed readers: no page, and in no navigation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.syndication.views import Feed
from django.urls import path, reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from runs.models import Change
from runs.selectors.changes import found_changes
from runs.words import numbers
from runs.words.changes import between_words, interval_words, much_words, subject_words, sure_words

IN_FEED = 50

if TYPE_CHECKING:
    _Feed = Feed[Change, None]
else:
    _Feed = Feed


class ChangesFeed(_Feed):
    """The newest changes that anybody may see, for a feed reader."""

    feed_type = Atom1Feed

    def title(self) -> str:
        return _("Benchsite: what changed")

    def subtitle(self) -> str:
        return _("Changes of speed between releases and over time, each once.")

    def link(self) -> str:
        return reverse("changes")

    def items(self) -> Sequence[Change]:
        return list(found_changes()[:IN_FEED])

    def item_title(self, item: Any) -> str:
        return f"{subject_words(item)}: {much_words(item.ratio)}"

    def item_description(self, item: Any) -> str:
        gone = [_("Gone since {day}.").format(day=f"{item.gone_at:%Y-%m-%d}")] if item.gone_at else []
        words = _("{ratio} ({interval}), {between}, on {machine}.").format(
            ratio=numbers.times(item.ratio),
            interval=interval_words(item),
            between=between_words(item),
            machine=item.machine.name,
        )
        return " ".join([words, sure_words(item), *gone])

    def item_link(self, item: Any) -> str:
        return reverse("change", args=[item.pk])

    def item_guid(self, item: Any) -> str:
        """The same for the same change, for ever; another when it came back."""
        return f"urn:benchsite:change:{item.key}:{item.episode}"

    def item_pubdate(self, item: Any) -> datetime:
        found: datetime = item.found_at
        return found

    def item_updateddate(self, item: Any) -> datetime:
        updated: datetime = item.gone_at or item.found_at
        return updated


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("changes/feed/", ChangesFeed(), name="changes-feed"),)
