"""Watches a FreeSWITCH under attack, and says at the end what got through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks.payloads import EVIL_HEADER, SINK_HOST, SINK_PORT
from tests.attacks.sip import Answerer, header
from tests.lab.eventsocket import EventSocket
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import House

OUR_APPLICATIONS = {
    *(
        "answer",
        "bridge",
        "check_acl",
        "conference",
        "multiset",
        "park",
        "playback",
        "record",
        "record_session",
    ),
    *("sched_hangup", "send_dtmf", "set", "speak", "stop_record_session"),
}
OUR_COMMANDS = {
    *(
        "conference",
        "global_getvar",
        "sched_del",
        "strepoch",
        "uuid_break",
        "uuid_exists",
        "uuid_kill",
        "uuid_ring_ready",
        "uuid_set_media_stats",
    ),
    *("uuid_getvar", "uuid_setvar"),
    # The requests of the laboratory itself, and of FreeSWITCH for its own events.
    *("show", "status", "version", "uuid_dump", "hupall", "sofia", "expand"),
}
# FreeSWITCH's own care: no channel variable may hold what would be expanded. And its words for a leg that was
# hung up in the moment of its answer (sofia.c; switch_core_media_activate_rtp refuses a leg that is down).
EXPECTED_ERRORS = ("contains a variable)", "RTP Error!")
# The record of every leg that ends, which the dialplan has FreeSWITCH keep.
# The fate of a leg, and the owner of this FreeSWITCH.
OUR_NOTE = re.compile(
    r"global_setvar (texml_gone_[0-9a-f-]{36}=[0-9A-Za-z_|:. -]*|texml_owner=[0-9A-Za-z_|:.= -]*)"
)
WATCHED = "CHANNEL_EXECUTE API MODULE_LOAD MODULE_UNLOAD RELOADXML SHUTDOWN"


@dataclass
class Guard:
    """The state that must stay as it is while attackers are at work."""

    house: House
    mark: Path
    sink: Answerer
    events: EventSocket
    pid: int
    found: list[str] = field(default_factory=list)

    def inspect(self) -> None:
        """Fails with everything that got through."""
        house, switch = self.house, self.house.switch
        assert isinstance(switch, FreeSwitch)
        found = self.found
        if self.mark.exists():
            found.append("a command was executed")
        if not switch.running or switch.pid != self.pid:
            found.append("FreeSWITCH is not the one that it was")
        for event in self.events.events:
            name = event["Event-Name"]
            if name == "CHANNEL_EXECUTE":
                if event["Application"] not in OUR_APPLICATIONS:
                    found.append(
                        f"executed: {event['Application']} {event.get('Application-Data', '')[:200]}"
                    )
            elif name != "API":
                found.append(name)
            elif event["API-Command"] not in OUR_COMMANDS and not OUR_NOTE.fullmatch(
                f"{event['API-Command']} {event.get('API-Command-Argument', '')}"
            ):
                found.append(f"command: {event['API-Command']} {event.get('API-Command-Argument', '')[:200]}")
        found += [f"called: {invite[:80]!r}" for invite in self.sink.invites]
        assert house.orchestrator is not None
        protocol_errors = house.orchestrator.node.connection.protocol_errors
        for what in ("protocol_errors", "decode_errors", "unexpected_frames", "unexpected_replies"):
            if getattr(protocol_errors, what):
                found.append(f"{what} on the event socket")
        if protocol_errors.reconnects or protocol_errors.callback_errors:
            found.append(f"the event socket did not stay up: {protocol_errors}")
        found += [
            f"FreeSWITCH's log: {line}"
            for line in switch.log_errors()
            if not any(words in line for words in EXPECTED_ERRORS)
        ]
        found += [f"our log: {line}" for line in house.log.lines if "Traceback" in line]
        assert not found, "\n".join(found)


def no_evil(invites: list[bytes]) -> None:
    """No message of our FreeSWITCH to callees has a header of the attacker's."""
    assert not [invite for invite in invites if header(invite, EVIL_HEADER)]


@contextmanager
def guarded(house: House, mark: Path) -> Iterator[Guard]:
    switch = house.switch
    assert isinstance(switch, FreeSwitch)
    with Answerer(host=SINK_HOST, port=SINK_PORT) as sink, switch.events(WATCHED) as events:
        guard = Guard(house, mark, sink, events, switch.pid)
        yield guard
        guard.inspect()
