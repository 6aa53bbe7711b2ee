"""The bounds of each call's timeline."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orchestrator.config.fields import Section


class Timeline(Section):
    """Kept about each call, to explain it afterwards, for `callbacks.history_days`."""

    entries: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="kept of one call, and of one conference beside its calls",
    )
    document_bytes: int = Field(
        default=16384, ge=0, le=1024 * 1024, description="kept of each fetched document; 0: none of it"
    )
    digits: Literal["masked", "shown", "none"] = Field(
        default="masked",
        description="keys that callers press: as asterisks, as they are, or no entry for them at all",
    )
