"""Counts of what went wrong on an event socket, since the start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ProtocolErrors:
    """Protocol errors, counted since the start; and reconnects."""

    reconnects: int = 0
    protocol_errors: int = 0
    decode_errors: int = 0
    unexpected_frames: int = 0
    unexpected_replies: int = 0
    command_timeouts: int = 0
    late_replies: int = 0
    callback_errors: int = 0
    overflows: int = 0
    half_open: int = 0
