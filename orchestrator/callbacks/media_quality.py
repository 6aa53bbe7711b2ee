"""Media quality of a leg, as FreeSWITCH has measured it, from its CHANNEL_HANGUP_COMPLETE.

Only of RTP that came in: FreeSWITCH does not hear how its own arrives. Source: switch_rtp.c (do_mos,
check_jitter), set_stats in switch_core_media.c.
"""

from __future__ import annotations

import math

import msgspec
from msgspec import Struct

from orchestrator.esl.events import HangupEvent

FLAWS_A_LOSS = 2.75
"""Measured with 1.10.12: 200 packets without each 20th, 10th or 5th of them had 27, 54 and 111 flaws."""


class MediaQuality(Struct, frozen=True, omit_defaults=True):
    """Of one leg, from its first to its last packet."""

    packets_in: int = 0
    packets_out: int = 0
    flaws: int = 0
    """FreeSWITCH's count of faults in the stream, of which its MOS is made."""
    skipped: int = 0
    """Frames of 20 ms for which nothing had come."""
    skipped_out: int = 0
    jitter_max_variance: float = 0.0
    """Of the times between packets, in ms squared: the worst."""
    jitter_packets: int = 0
    mos: float = 0.0
    """1 to 4.5, from the loss; 0 where nothing came in."""

    @property
    def lost(self) -> int:
        """Packets that did not come in, about: FreeSWITCH says only how many flaws that makes."""
        return round(self.flaws / FLAWS_A_LOSS)

    @property
    def jitter_ms(self) -> float:
        """The worst deviation from the usual time between packets."""
        return round(math.sqrt(max(0.0, self.jitter_max_variance)), 1)

    @property
    def loss_percent(self) -> float:
        """Of the packets that were sent to us."""
        sent = self.packets_in + self.lost
        return round(100 * self.lost / sent, 2) if sent else 0.0

    @property
    def text(self) -> str:
        """Telnyx's CallQualityStats: the three of its TeXML callback, and both directions as its call.hangup
        has them."""
        stats: dict[str, object] = {
            "inbound": {
                "jitter_max_variance": f"{self.jitter_max_variance:.2f}",
                "jitter_packet_count": str(self.jitter_packets),
                "mos": f"{self.mos:.2f}",
                "packet_count": str(self.packets_in),
                "skip_packet_count": str(self.skipped),
            },
            "jitter": self.jitter_ms,
            "mos": self.mos,
            "outbound": {
                "packet_count": str(self.packets_out),
                "skip_packet_count": str(self.skipped_out),
            },
            "packet_loss": self.loss_percent,
        }
        return msgspec.json.encode(stats).decode()


def quality_of(event: HangupEvent) -> MediaQuality | None:
    """None of a leg that never had media."""
    if not event.packets_in and not event.packets_out:
        return None
    received = _whole(event.packets_in)
    return MediaQuality(
        packets_in=received,
        packets_out=_whole(event.packets_out),
        flaws=_whole(event.flaws),
        skipped=_whole(event.skipped),
        skipped_out=_whole(event.skipped_out),
        jitter_max_variance=_number(event.jitter_max_variance),
        jitter_packets=_whole(event.jitter_packets),
        mos=_number(event.mos) if received else 0.0,
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0
