"""`orchestrator doctor`: what is wrong with a set-up, one line a check, each with what to do about it."""

from orchestrator.doctor.checks import examine
from orchestrator.doctor.result import Finding

__all__ = ["Finding", "examine"]
