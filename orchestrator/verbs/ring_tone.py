"""A ring tone as FreeSWITCH plays it: `tone_stream://%(on,off,hertz,hertz);%(…);loops=N`."""

from __future__ import annotations

from orchestrator.texml.ring_tones import RING_TONES

FOR_EVER = -1


def ringing(code: str, loops: int = FOR_EVER) -> str:
    """`code` is one of RING_TONES; each loop is one ring and the silence after it."""
    tone = RING_TONES[code]
    hertz = ",".join(map(str, tone.frequencies))
    pairs = zip(tone.cadence[::2], tone.cadence[1::2], strict=True)
    rings = ";".join(f"%({on},{off},{hertz})" for on, off in pairs)
    return f"tone_stream://{rings};loops={loops}"
