"""An event-socket server that behaves like FreeSWITCH, for demos and for tests without telephony."""

from orchestrator.emulator.conference import ConferenceProfile
from orchestrator.emulator.phone import Behaviour, EmulatedPhone
from orchestrator.emulator.switch import EmulatedSwitch

__all__ = ["Behaviour", "ConferenceProfile", "EmulatedPhone", "EmulatedSwitch"]
