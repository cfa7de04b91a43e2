"""What a sitting has before it: how much of a plan is left, block by block, and how long that will take."""

from __future__ import annotations

from typing import Any

from runs.bench import here
from runs.bench.estimate import Predictor
from runs.bench.stopping import Budget
from runs.suites.plan import Block, Plan


def outlook(plan: Plan, left: Plan, predictor: Predictor, budget: Budget, gate_seconds: float) -> dict[str, Any]:
    """`plan` is the whole, `left` what the spool does not hold yet. Seconds are wall seconds."""
    estimate = predictor.estimate(left)
    summary: dict[str, Any] = {
        "suite": plan.suite.name,
        "cells": len(plan.cells),
        "blocks": len(plan.blocks),
        "runs": len(plan.runs),
        "runs_left": len(left.runs),
        "runs_unsupported_here": sum(bool(here.cannot_run(run)) for run in plan.runs),
        "estimated_seconds": round(estimate.seconds),
        "estimate_measured_share": round(estimate.measured_share, 3),
        "gate_seconds": round(gate_seconds),
    }
    if budget.seconds is not None:
        fitting = budget.fitting(left.blocks, after=gate_seconds)
        summary |= {"blocks_left": len(left.blocks), "blocks_within_budget": len(fitting)}
    return summary


def blocks_of(left: Plan, predictor: Predictor) -> list[dict[str, Any]]:
    """Each block that is left, in the plan's order: what `--only` calls it, what it runs, its predicted seconds."""
    return [_block(block, round(predictor.seconds_of_block(block, left.suite), 1)) for block in left.blocks]


def _block(block: Block, seconds: float) -> dict[str, Any]:
    workload, device, threads = block.group
    return {
        "id": block.id,
        "number": block.number,
        "network": str(workload.network),
        "task": workload.task,
        "device": device,
        "threads": threads,
        "runs": len(block.runs),
        "seconds": seconds,
    }
