"""The results database."""

from runs.models.acts import ACTS, Act, ApiToken
from runs.models.changes import Alarm, Change
from runs.models.common import DATA_SOURCES, DEVICES, STATUSES, TASKS, TRACKS
from runs.models.published import PublishedRecommendation, PublishedSpeedUp
from runs.models.results import COVERAGE_FIELDS, Coverage, Profile, RecordPart, Run, RunQuerySet, Summary
from runs.models.subjects import (
    CELL_FIELDS,
    CellColumns,
    Environment,
    Experiment,
    FormerExperimentName,
    FormerMachineName,
    Machine,
    Workload,
)

__all__ = [
    "ACTS",
    "CELL_FIELDS",
    "COVERAGE_FIELDS",
    "DATA_SOURCES",
    "DEVICES",
    "STATUSES",
    "TASKS",
    "TRACKS",
    "Act",
    "Alarm",
    "ApiToken",
    "CellColumns",
    "Change",
    "Coverage",
    "Environment",
    "Experiment",
    "FormerExperimentName",
    "FormerMachineName",
    "Machine",
    "Profile",
    "PublishedRecommendation",
    "PublishedSpeedUp",
    "RecordPart",
    "Run",
    "RunQuerySet",
    "Summary",
    "Workload",
]
