"""SDP as phones write and read it."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Payload type and rtpmap of each codec.
CODECS = {
    "PCMU": (0, "PCMU/8000"),
    "PCMA": (8, "PCMA/8000"),
    "G722": (9, "G722/8000"),
    "OPUS": (96, "opus/48000/2"),
    "GSM": (3, "GSM/8000"),
    "G729": (18, "G729/8000"),
}
DIGITS = 101
"""The payload type of telephone-event."""


def sdp(
    port: int,
    codecs: Sequence[str],
    direction: str = "sendrecv",
    host: str = "127.0.0.1",
    *,
    digits: bool = False,
    version: int = 1,
) -> bytes:
    """With `digits` also telephone-event."""
    maps = [CODECS[codec] for codec in codecs] + [(DIGITS, "telephone-event/8000")] * digits
    kind = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=- 1 {version} IN {kind} {host}",
        "s=-",
        f"c=IN {kind} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(str(number) for number, _ in maps)}",
        *(f"a=rtpmap:{number} {name}" for number, name in maps),
        f"a={direction}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def offered(message: bytes) -> list[str]:
    """Encodings of an SDP offer, in its order, without telephone-event and comfort noise."""
    return [name for name, _ in payload_types(message) if name not in ("TELEPHONE-EVENT", "CN")]


def payload_types(message: bytes) -> list[tuple[str, int]]:
    """The encodings in a message's SDP, in its order, each with its payload type."""
    body = message.partition(b"\r\n\r\n")[2].decode(errors="replace")
    names = {str(number): name for name, (number, _) in CODECS.items() if number < 96}
    names |= {found[1]: found[2].upper() for found in re.finditer(r"a=rtpmap:(\d+) ([^/\s]+)", body)}
    found = re.search(r"m=audio \d+ \S+ ([\d ]+)", body)
    types = found[1].split() if found else []
    return [(names.get(one, "CN"), int(one)) for one in types]


def media_address(message: bytes) -> tuple[str, int]:
    """Where the SDP of a message wants its media."""
    host = re.search(rb"c=IN IP[46] (\S+)", message)
    port = re.search(rb"m=audio (\d+)", message)
    assert host, message
    assert port, message
    return host[1].decode(), int(port[1])
