"""A caller profile: caller, called party, and the times of the call's events (switch_caller.c)."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.emulator.events import Headers


@dataclass
class Profile:
    """A caller profile: caller, called party, and the times of the call's events (µs, 0 while it has not)."""

    direction: str
    destination: str
    uuid: str
    channel_name: str
    cid_name: str = ""
    cid_number: str = ""
    orig_cid_name: str = ""
    orig_cid_number: str = ""
    callee_name: str = ""
    callee_number: str = ""
    username: str = ""
    dialplan: str = ""
    network_addr: str = ""
    ani: str = ""
    source: str = "mod_sofia"
    context: str = "public"
    hides_name: bool = False
    hides_number: bool = False
    created: int = 0
    times: dict[str, int] = field(default_factory=dict)

    def headers(self, prefix: str = "Caller") -> Headers:
        named = [
            ("Direction", self.direction),
            ("Logical-Direction", self.direction),
            ("Username", self.username),
            ("Dialplan", self.dialplan),
            ("Caller-ID-Name", self.cid_name),
            ("Caller-ID-Number", self.cid_number),
            ("Orig-Caller-ID-Name", self.orig_cid_name),
            ("Orig-Caller-ID-Number", self.orig_cid_number),
            ("Callee-ID-Name", self.callee_name),
            ("Callee-ID-Number", self.callee_number),
            ("Network-Addr", self.network_addr),
            ("ANI", self.ani),
            ("Destination-Number", self.destination),
            ("Unique-ID", self.uuid),
            ("Source", self.source),
            ("Context", self.context),
            ("Channel-Name", self.channel_name),
            ("Profile-Index", "1"),
            ("Profile-Created-Time", str(self.created)),
            ("Channel-Created-Time", str(self.created)),
        ]
        moments = ("Answered", "Progress", "Progress-Media", "Hangup", "Transfer", "Resurrect", "Bridged")
        named += [(f"Channel-{moment}-Time", str(self.times.get(moment, 0))) for moment in moments]
        named += [
            ("Channel-Last-Hold", "0"),
            ("Channel-Hold-Accum", "0"),
            ("Screen-Bit", "true"),
            ("Privacy-Hide-Name", str(self.hides_name).lower()),
            ("Privacy-Hide-Number", str(self.hides_number).lower()),
        ]
        return [(f"{prefix}-{name}", value) for name, value in named if value]
