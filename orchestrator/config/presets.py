"""Conference profiles to start from: what a person would otherwise look up in FreeSWITCH's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Preset = Literal["phone", "hd", "large"]

PRESETS: Mapping[str, Mapping[str, str]] = {
    # Narrow band, as phone numbers bring it: no resampling, the least work for FreeSWITCH.
    "phone": {"rate": "8000", "interval": "20", "energy_level": "100"},
    # Softphones and WebRTC with Opus; callers from phone numbers are resampled.
    "hd": {"rate": "48000", "interval": "20", "energy_level": "100", "auto_energy_level": "400"},
    # Dozens of open microphones: background noise stays out of the mix, the quiet and the loud are evened
    # out, and the gaps between speakers do not sound like a dead line.
    "large": {
        "rate": "8000",
        "interval": "20",
        "energy_level": "300",
        "auto_energy_level": "800",
        "auto_gain_level": "1100",
        "auto_gain_low_energy_level": "400",
        "comfort_noise": "1400",
    },
}
assert set(PRESETS) == set(get_args(Preset))
