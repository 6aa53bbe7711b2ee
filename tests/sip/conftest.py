"""A house for raw SIP: what phones and carriers really send."""

from __future__ import annotations

from tests.scenarios.conftest import house

__all__ = ["house"]
