"""An attacker's texts for every place where a name, a number, a text or an address is expected.

`payloads(mark)` is for every place that takes text from outside, REST values among them: none of it may touch
the file `mark`, call `SINK`, or mean anything but itself.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

# Nobody may be called there. An address for each process: several runs may share a machine.
SINK_HOST = f"127.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}.3"
SINK_PORT = 35060
SINK = f"sofia/texml/evil@{SINK_HOST}:{SINK_PORT}"
EVIL_HEADER = "X-Evil"


@contextmanager
def short_mark() -> Iterator[Path]:
    """A file that is not there, under a name that is soon spoken."""
    mark = Path(tempfile.gettempdir(), uuid4().hex[:6])
    assert not mark.exists()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def payloads(mark: Path) -> dict[str, str]:
    """Name -> text."""
    touch = f"touch {mark}"
    sendmsg = f"call-command: execute\nexecute-app-name: system\nexecute-app-arg: {touch}"
    return {
        "expansion": f"${{system({touch})}}",
        "expansion of a variable": f"$${{system({touch})}}",
        "expansion past a backslash": f"$\\{{system({touch})}} $\\\\{{system {touch}}}",
        "expansion after cleaning": f"$|{{system({touch})}} $\n{{system({touch})}} $,{{system({touch})}}",
        "at sign": f"@{{system({touch})}}",
        "shell": f"`{touch}` | $({touch})",
        "second command": f"x\n\nbgapi system {touch}\n\nsendmsg\n{sendmsg}\n\n",
        "second command, crlf": f"x\r\n\r\napi system {touch}\r\n\r\n",
        "header of a command": f"x\nexecute-app-name: system\nexecute-app-arg: {touch}\nevent-lock: true",
        "header of an event": "x\nEvent-Name: CHANNEL_HANGUP\nvariable_texml_guard: 1\nUnique-ID: 1",
        "content length": f"x\nContent-Length: 100000\n\n{sendmsg}",
        "disconnect": "x\n\nexit\n\n",
        "room syntax": "sales@default+1234+flags{mute|endconf|moderator}",
        "room by name only": "../conference sales kick all",
        "delimiter": f"^^:a:system {touch}:b",
        "multiset": f"a;b=c|d~e!f#g+h,api_hangup_hook=system {touch}",
        "quotes": "it's \"so\" 'quoted\\' \\'",
        "comma": f",system:{touch},x",
        "inline": f"m:^:system:{touch}^x",
        "pipe": f"x|system {touch}|y",
        "square variables": f"[{EVIL_HEADER.lower()}=1,sip_h_{EVIL_HEADER}=1]x",
        "curly variables": f"{{sip_h_{EVIL_HEADER}=1}}{SINK}",
        "angle variables": f"<sip_h_{EVIL_HEADER}=1>{SINK}",
        "another leg": f"x,[sip_h_{EVIL_HEADER}=1]{SINK},y",
        "another leg later": f"x|{SINK}:_:{SINK}",
        "application": f"x &bridge({SINK})",
        "array": f"ARRAY::{SINK}|:x",
        "percent": f"x%0d%0a{EVIL_HEADER}:%201%0d%0a%20%00%27%22%24%7Bsystem({touch})%7D",
        "percent twice": f"x%250d%250a{EVIL_HEADER}%253a 1",
        "reload": "reload mod_event_socket",
        "unload in any case": "UNLOAD Mod_Event_Socket",
        "line separators": "a\u2028Event-Name: X\u2029b\u0085Unique-ID: y\x0bz\x0c",
        "directions": "\u202eabc\u2066def\ufeff\u200b",
        "far planes": "\U0001f600\U000e0001\uffff\ufffd",
        "path": "../../../../../../etc/passwd",
        "absolute path": "/etc/passwd",
        "stream": "tone_stream://%(1000,0,440);loops=-1",
        "file address": f"file://{mark}",
        "formats": f"say:system {touch} {{file_rate=1}}!x;y",
        "printf": "%s%n%x %d{0}{mark}",
        "json": '","Event-Name":"CHANNEL_PARK","x":"',
        "xml": f"</Say><Dial>{SINK}</Dial><!-- ]]>",
        "sql": "'); DROP TABLE outbox; --",
        "form": "x&CallStatus=completed&From=0",
        "long": "A" * 20_000,
    }
