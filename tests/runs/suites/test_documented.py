"""docs/suites.md has every key of a suite with its range and default, every preset, shipped suite and option."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import pytest
from annotated_types import MaxLen
from django.core.management import load_command_class

from engines.host import PROJECT_ROOT
from runs import validation
from runs.suites import suite as suites
from runs.suites.plan import make_plan
from runs.suites.suite import PRESET_BLOCKS, Bench, Suite
from tests.runs.suites.test_plan import dataset_for

TEXT = (PROJECT_ROOT / "docs" / "suites.md").read_text()
SUITE_KEYS, BENCH_KEYS = TEXT.split("## Keys")[1].split("## `runbench`")[0].split("`[[benches]]`")
OF_DJANGO = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color"}
OF_DJANGO |= {"--force-color", "--skip-checks"}


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each row of the text's tables, by the name in its first one."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells for cells in lines}


@pytest.mark.parametrize(("document", "text"), [(Suite, SUITE_KEYS), (Bench, BENCH_KEYS)])
def test_every_key_is_there_with_its_range_and_its_default(document: type[Any], text: str) -> None:
    keys, hints = rows(text), typing.get_type_hints(document, include_extras=True)
    assert set(keys) == {field.name for field in dataclasses.fields(document)}
    for field in dataclasses.fields(document):
        _, values, default = keys[field.name][:3]
        assert _range(hints[field.name]) in values, field.name
        assert (default == "needed") == (field.default is field.default_factory is dataclasses.MISSING), field.name
        if isinstance(field.default, int | float):
            assert float(default) == field.default, field.name


def _range(annotation: Any) -> str:
    """The bounds of a number, of a tuple's items or of a text's length; empty where there are none."""
    numbers = validation._range(annotation) or validation._range(validation._item(annotation))
    longest = [bound.max_length for bound in getattr(annotation, "__metadata__", ()) if isinstance(bound, MaxLen)]
    return numbers or (f"{longest[0]} " if longest else "")


def test_every_preset_is_there_with_its_blocks() -> None:
    presets = rows(TEXT.split("## Presets")[1].split("## Keys")[0])
    assert set(presets) == set(PRESET_BLOCKS)
    assert all(str(blocks) in presets[name][1] for name, blocks in PRESET_BLOCKS.items())


def test_every_shipped_suite_is_there() -> None:
    assert set(rows(TEXT.split("## Presets")[0])) == set(suites.shipped())


def test_every_option_of_runbench_is_there_and_no_other() -> None:
    parser = load_command_class("runs", "runbench").create_parser("manage.py", "runbench")
    options = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    section = TEXT.split("## `runbench`")[1]
    documented = {word.strip("`,") for row in section.splitlines() if row.startswith("| `--") for word in
                  row.split("|")[1].split() if word.strip("`").startswith("--")}  # fmt: skip
    assert documented == options - OF_DJANGO


def test_the_example_is_a_suite_of_eighty_runs() -> None:
    example = suites.parse(TEXT.split("```toml")[1].split("```")[0], source="docs/suites.md")
    plan = make_plan(example, dataset_for)
    assert (len({block.group for block in plan.blocks}), len(plan.cells), len(plan.runs)) == (8, 16, 80)
