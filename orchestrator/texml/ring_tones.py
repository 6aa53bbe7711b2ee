"""Sound of a phone that rings, by country, as a caller hears it: Telnyx's and Twilio's 40 codes.

Frequencies and cadences are those of ITU-T E.180 Supplement 2, "Various tones used in national networks", as
the configurations of Asterisk (indications.conf, which has the same codes) and FreeSWITCH (vars.xml) list it.
A frequency that is modulated by another, 400 x 25 Hz, is the two at its sides, 375 and 425 Hz.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple


class RingTone(NamedTuple):
    frequencies: tuple[int, ...]
    """Hz, heard together."""
    cadence: tuple[int, ...]
    """Milliseconds of sound and of silence in turn."""

    @property
    def seconds(self) -> float:
        """One ring with the silence after it."""
        return sum(self.cadence) / 1000


_LONG = (1000, 4000)
_DOUBLE = (400, 200, 400, 2000)
RING_TONES: Final = MappingProxyType(
    {
        "at": RingTone((420,), (1000, 5000)),
        "au": RingTone((413, 438), _DOUBLE),
        "be": RingTone((425,), (1000, 3000)),
        "bg": RingTone((425,), _LONG),
        "br": RingTone((425,), _LONG),
        "ch": RingTone((425,), _LONG),
        "cl": RingTone((400,), (1000, 3000)),
        "cn": RingTone((450,), _LONG),
        "cz": RingTone((425,), _LONG),
        "de": RingTone((425,), _LONG),
        "dk": RingTone((425,), _LONG),
        "ee": RingTone((425,), _LONG),
        "es": RingTone((425,), (1500, 3000)),
        "fi": RingTone((425,), _LONG),
        "fr": RingTone((440,), (1500, 3500)),
        "gr": RingTone((425,), _LONG),
        "hu": RingTone((425,), (1250, 3750)),
        # FreeSWITCH: 400 Hz.
        "il": RingTone((414,), (1000, 3000)),
        "in": RingTone((375, 425), _DOUBLE),
        "it": RingTone((425,), _LONG),
        "jp": RingTone((385, 415), (1000, 2000)),
        "lt": RingTone((425,), _LONG),
        "mx": RingTone((425,), _LONG),
        "my": RingTone((425,), _DOUBLE),
        "nl": RingTone((425,), _LONG),
        "no": RingTone((425,), _LONG),
        "nz": RingTone((400, 450), _DOUBLE),
        "ph": RingTone((425, 480), _LONG),
        "pl": RingTone((425,), _LONG),
        "pt": RingTone((425,), (1000, 5000)),
        "ru": RingTone((425,), _LONG),
        "se": RingTone((425,), (1000, 5000)),
        "sg": RingTone((401, 449), _DOUBLE),
        "th": RingTone((420,), (1000, 5000)),
        "tw": RingTone((440, 480), (1000, 2000)),
        "uk": RingTone((400, 450), _DOUBLE),
        "us": RingTone((440, 480), (2000, 4000)),
        "us-old": RingTone((380, 460), (2000, 4000)),
        "ve": RingTone((425,), _LONG),
        "za": RingTone((367, 433), _DOUBLE),
    }
)
# Codes that neither vendor has, for what they mean.
ALIASES: Final = MappingProxyType({"gb": "uk", "ca": "us"})
