"""FreeSWITCH's modules that we lean on, and what does not work without each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from orchestrator.config import Settings


def _always(settings: Settings) -> bool:
    return True


def _flite(settings: Settings) -> bool:
    return settings.speech.engine == "flite"


class Module(NamedTuple):
    name: str
    without: str
    """The features that need it."""
    needed: bool = True
    """Nothing works without it."""
    wanted: Callable[[Settings], bool] = _always


MODULES: Final = (
    Module("mod_event_socket", "the orchestrator cannot connect"),
    Module("mod_sofia", "no call comes or goes"),
    Module("mod_commands", "no call can be steered"),
    Module("mod_conference", "<Conference> fails"),
    Module("mod_dptools", "no call can be steered"),
    Module("mod_dialplan_xml", "no call reaches the orchestrator"),
    Module("mod_sndfile", "<Play>, waitUrl, beep, record and <Record> have no WAV files"),
    Module("mod_tone_stream", "the tones of <Pause> and of beeps are missing"),
    Module("mod_native_file", "prompts in a codec's own format are missing", needed=False),
    Module("mod_spandsp", "no call with G.722", needed=False),
    Module("mod_opus", "no call with Opus", needed=False),
    Module("mod_shout", "<Play> and waitUrl of MP3 files", needed=False),
    Module("mod_flite", "<Say>, and <Say> in a waitUrl document", needed=False, wanted=_flite),
    Module(
        "mod_loopback",
        "`orchestrator doctor` makes no call, `orchestrator demo --freeswitch` neither",
        needed=False,
    ),
)
