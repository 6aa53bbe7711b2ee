"""`orchestrator doctor`: what is wrong with a set-up, one line a check, each with what to do about it."""

from orchestrator.doctor.examination import examine
from orchestrator.doctor.finding import Finding

__all__ = ["Finding", "examine"]
