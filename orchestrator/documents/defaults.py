"""Values of attributes that a document leaves out, from the settings."""

from __future__ import annotations

from orchestrator.config.dialect import Dialect
from orchestrator.texml import Defaults


def document_defaults(dialect: Dialect) -> Defaults:
    """Values of attributes that a document leaves out."""
    return {
        "Conference": {"trim": dialect.conference_trim},
        "Play": {"continue_on_error": dialect.play_continue_on_error},
        "Record": {
            "channels": dialect.record_channels,
            "timeout": dialect.record_timeout_secs,
            "trim": dialect.record_trim,
        },
    }
