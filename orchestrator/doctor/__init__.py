"""`orchestrator doctor`: what is wrong with a set-up, one line a check, each with what to do about it."""

from orchestrator.doctor.checks import run_checks
from orchestrator.doctor.result import CheckResult

__all__ = ["CheckResult", "run_checks"]
