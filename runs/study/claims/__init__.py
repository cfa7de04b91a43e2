"""The study's claims, declared as data and judged on measured cells. Pure; pages, the API and the command share it."""

from runs.study.claims.declared import CLAIMS, Declared
from runs.study.claims.measured import Hardware, Measured, Place, Version
from runs.study.claims.missing import MissingCells
from runs.study.claims.verdicts import (
    VERDICTS,
    Answer,
    ClaimVerdict,
    Evidence,
    JudgedClaim,
    Part,
    judge_claim,
    judge_claims,
)

__all__ = [
    "CLAIMS",
    "VERDICTS",
    "Answer",
    "ClaimVerdict",
    "Declared",
    "Evidence",
    "Hardware",
    "JudgedClaim",
    "Measured",
    "MissingCells",
    "Part",
    "Place",
    "Version",
    "judge_claim",
    "judge_claims",
]
