"""An event-socket server that behaves like FreeSWITCH, for demos and for tests without telephony.

From below, each importing only those before it: clock, sound and events; the core; channels and sessions;
phones; members, recordings and conferences; applications; the instance, which holds all of these; `api`
commands; the socket.
"""

from orchestrator.emulator.conference_profile import ConferenceProfile
from orchestrator.emulator.phone import EmulatedPhone
from orchestrator.emulator.registry import Behaviour, Target
from orchestrator.emulator.switch import DIALPLAN, EmulatedSwitch

__all__ = [
    "DIALPLAN",
    "Behaviour",
    "ConferenceProfile",
    "EmulatedPhone",
    "EmulatedSwitch",
    "Target",
]
