"""A whole orchestrator, and the timelines that it keeps."""

from __future__ import annotations

from tests.scenarios.conftest import house

__all__ = ["house"]
