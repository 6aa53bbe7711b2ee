"""The FreeSWITCH of this bench: soon tired of silence, on IPv4 and IPv6; and its threads."""

from __future__ import annotations

import time
from pathlib import Path

import gevent

from tests.lab.switches import FreeSwitch
from tests.sip.own_switch import OwnSwitch

RTP_SECONDS, HOLD_SECONDS = 2, 3
IMPATIENT = {"FS_RTP_TIMEOUT": str(RTP_SECONDS), "FS_RTP_HOLD_TIMEOUT": str(HOLD_SECONDS)}
SIX = "::1"
POOL_SECONDS = 5.0
"""A thread of FreeSWITCH's pool ends when it had nothing to do for so long (switch_core_session.c)."""


class Impatient(OwnSwitch):
    """Ends calls without media soon, and is on IPv6 too, with a SIP profile of its own."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, IMPATIENT)

    def start(self, timeout: float = 30.0, *, sip: bool = True) -> None:
        profiles = self.conf_dir / "sip_profiles"
        text = (profiles / "texml.xml").read_text()
        for old, new in (
            ('name="texml"', 'name="six"'),
            ("$${sip_ip}", SIX),
            ("$${rtp_ip}", SIX),
            ("$${external_sip_ip}", SIX),
            ("$${external_rtp_ip}", SIX),
        ):
            assert old in text
            text = text.replace(old, new)
        (profiles / "six.xml").write_text(text)
        callers = profiles / "trunks" / "callers.xml"
        node = f'<node type="allow" cidr="{SIX}/128"/>\n</include>'
        callers.write_text(callers.read_text().replace("</include>", node))
        super().start(timeout, sip=sip)


def threads(switch: FreeSwitch) -> int:
    return len(list(Path(f"/proc/{switch.pid}/task").iterdir()))


def threads_at_rest(switch: FreeSwitch) -> int:
    """Of a switch without sessions: once those of the pool have ended."""
    gevent.sleep(POOL_SECONDS + 0.5)
    return threads(switch)


def threads_above(switch: FreeSwitch, count: int, patience: float) -> int:
    """How many there still are above it, after some time to end."""
    deadline = time.monotonic() + patience
    while (extra := threads(switch) - count) > 0 and time.monotonic() < deadline:
        gevent.sleep(0.2)
    return max(0, extra)
