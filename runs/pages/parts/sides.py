"""The sides that an address asks for: A, and up to five others that are each held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict
from django.utils.translation import gettext as _

from runs.charts.forest import Forest
from runs.findings.alike import Aspect
from runs.findings.cells import CellRow
from runs.findings.choices import Select
from runs.findings.facets import ONE_NETWORK
from runs.pages.parts.pairings import DIMENSIONS, LABELS, Compared, Pairing, Side, in_order, in_workload_order
from runs.pages.parts.side_tables import Told, forest_of, missing_table, most_different, ratio_table, told
from runs.selectors import scopes
from runs.selectors.cells import cells_of
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.tables.table import Table
from runs.words.networks import network_plural

LETTERS = "abcdef"
"""A side's parameters in the address begin with its letter: `c_engine=jax`."""


@dataclass(frozen=True)
class Comparison:
    """Side A, and each other side held against it: a pair of sides each."""

    pairs: Sequence[Compared]
    offered: Sequence[CellRow]
    """Of A's scope, whatever the network."""
    wished: str
    """The family or the network that all sides are narrowed to."""
    query: QueryDict

    @property
    def sides(self) -> list[Side]:
        return [self.pairs[0].a, *(pair.b for pair in self.pairs)]

    @property
    def is_several(self) -> bool:
        return len(self.pairs) > 1

    @property
    def rope(self) -> float:
        """The region of practical equivalence of the noisiest machine."""
        return max(pair.rope for pair in self.pairs)

    @property
    def title(self) -> str:
        return f"{', '.join(pair.b.title for pair in self.pairs)} / {self.pairs[0].a.title}"

    # ------------------------------------------------------------ what they have

    @cached_property
    def pairings(self) -> list[Pairing]:
        """Workload by workload, and of each every side after the other."""
        found = [each for pair in self.pairs for each in pair.pairings]
        return sorted(found, key=lambda each: in_workload_order(each.row)) if self.is_several else found

    @cached_property
    def common(self) -> list[Pairing]:
        return [pairing for pairing in self.pairings if pairing.ratio]

    @cached_property
    def missing(self) -> list[Pairing]:
        return [pairing for pairing in self.pairings if not pairing.ratio]

    @property
    def is_synthetic(self) -> bool:
        return any(pairing.row.is_synthetic for pairing in self.pairings)

    @cached_property
    def told(self) -> Told:
        return told(self.pairings, side=self.is_several)

    @cached_property
    def most_different(self) -> list[Pairing]:
        return most_different(self.common)

    @property
    def forest(self) -> Forest:
        return forest_of(self.most_different, self.told, self.rope)

    @property
    def table(self) -> Table:
        return self.table_of(self.common, _("Time per epoch, workload by workload"))

    def table_of(self, pairings: Sequence[Pairing], caption: str) -> Table:
        return ratio_table(pairings, self.told, caption)

    @property
    def missing_table(self) -> Table:
        return missing_table(self.missing, self.told)

    # ------------------------------------------------------------ what may be chosen

    @property
    def choices(self) -> list[tuple[Side, list[Select], str]]:
        """Of each side what it can be fixed to, and the address without it where another would be left."""
        return [
            (side, [_select(side, name) for name in DIMENSIONS], self._without(side.letter) if place > 1 else "")
            for place, side in enumerate(self.sides)
        ]

    @property
    def network(self) -> Select:
        """All networks, a family of them, or one."""
        families = {row.network_type: network_plural(row.network_type) for row in sorted(self.offered, key=in_order)}
        sizes = {ONE_NETWORK.value(row): ONE_NETWORK.label(row) for row in sorted(self.offered, key=ONE_NETWORK.order)}
        choices = [*families.items(), *(sizes.items() if len(sizes) > 1 else ())]
        return Select("network", _("Network"), choices, self.wished if self.wished in dict(choices) else "")

    # ------------------------------------------------------------ other addresses

    @property
    def swapped(self) -> str:
        """A and B in each other's place."""
        return self._lettered({"a": "b", "b": "a"})

    @property
    def one_more(self) -> str:
        """With another side: the engine with most results that no side has yet. Empty where there is no letter left."""
        if len(self.sides) == len(LETTERS):
            return ""
        query = self.query.copy()
        for side in self.sides:  # what the page chose is said, now that the address names an engine
            query[f"{side.letter}_engine"] = side.engine
        taken = {side.engine for side in self.sides}
        left = (engine for engine in _by_results(self.pairs[0].a.rows) if engine not in taken)
        query[f"{LETTERS[len(self.sides)]}_engine"] = next(left, "")
        return query.urlencode()

    def _without(self, letter: str) -> str:
        later = LETTERS[LETTERS.index(letter) + 1 :]
        return self._lettered({letter: "", **{each: LETTERS[LETTERS.index(each) - 1] for each in later}})

    def _lettered(self, letters: Mapping[str, str]) -> str:
        """The address with sides under other letters, or without one."""
        changed = QueryDict(mutable=True)
        for name, values in self.query.lists():
            letter, mark, rest = name.partition("_")
            if letter not in letters or not mark:
                changed.setlist(name, values)
            elif letters[letter]:
                changed.setlist(f"{letters[letter]}_{rest}", values)
        return changed.urlencode()


def _select(side: Side, name: Aspect) -> Select:
    titles: Mapping[Aspect, str] = {
        "engine": _("Engine"),
        "track": _("Track"),
        "device": _("Device"),
        "threads": _("CPU threads"),
        "environment": _("Environment"),
    }
    offered: dict[str, CellRow] = {}
    for row in side.in_order:
        offered.setdefault(DIMENSIONS[name](row), row)
    choices = [(value, LABELS[name](row)) for value, row in offered.items()]
    return Select(f"{side.letter}_{name}", titles[name], choices, side.fixed.get(name, ""))


# ---------------------------------------------------------------- what is asked for


def compared(query: QueryDict) -> Comparison:
    wished = query.get("network", "")
    scope = _scope("a", query)
    offered = cells_of(scope)
    usual = _two_engines(offered, wished, query)
    first = _side("a", query, scope, offered, wished, usual)
    pairs = []
    for letter in _others(query):
        own = _scope(letter, query) if _names_another(letter, query) else scope
        rows = offered if own is scope else cells_of(own)
        other = _side(letter, query, own, rows, wished, usual)
        pairs.append(Compared(first, other, region_of(scope.machine, own.machine)))
    return Comparison(pairs, offered, wished, query)


def _others(query: QueryDict) -> str:
    """B always, and each further side of which the address says anything, up to the first of which it says nothing."""
    asked = {name[0] for name in query if name[1:2] == "_"}
    further = LETTERS[2:]
    count = next((place for place, letter in enumerate(further) if letter not in asked), len(further))
    return LETTERS[1 : 2 + count]


def _scope(letter: str, query: QueryDict) -> Scope:
    return scopes.scope(query.get(f"{letter}_experiment", ""), query.get(f"{letter}_machine", ""))


def _names_another(letter: str, query: QueryDict) -> bool:
    """A side that says nothing of its scope has A's."""
    own, first = ((query.get(f"{each}_experiment", ""), query.get(f"{each}_machine", "")) for each in (letter, "a"))
    return any(own) and own != first


def _side(
    letter: str, query: QueryDict, scope: Scope, offered: Sequence[CellRow], wished: str, usual: Mapping[str, str]
) -> Side:
    rows = _of_network(offered, wished)
    values = {name: {of(row) for row in rows} for name, of in DIMENSIONS.items()}
    asked = {name: query.get(f"{letter}_{name}", "") for name in DIMENSIONS}
    asked["engine"] = usual.get(letter, asked["engine"])
    fixed = {name: value for name, value in asked.items() if value in values[name]}
    return Side(letter, scope, fixed, rows)


def _of_network(rows: Sequence[CellRow], wished: str) -> Sequence[CellRow]:
    """Those of a family or of one network; all where none of them is such."""
    return [row for row in rows if wished in (row.network_type, ONE_NETWORK.value(row))] or rows


def _two_engines(offered: Sequence[CellRow], wished: str, query: QueryDict) -> Mapping[str, str]:
    """Before a reader chose any: the two with most results."""
    if any(f"{letter}_engine" in query for letter in LETTERS):
        return {}
    engines = _by_results(_of_network(offered, wished))[:2]
    return dict(zip("ab", engines, strict=True)) if len(engines) == 2 else {}


def _by_results(rows: Sequence[CellRow]) -> list[str]:
    return [engine for engine, _count in Counter(row.engine for row in rows if len(row.samples)).most_common()]
