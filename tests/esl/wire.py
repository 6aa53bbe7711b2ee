"""The event socket's bytes as mod_event_socket.c writes them, and the recorded conversations as such
bytes."""

from __future__ import annotations

import json
from pathlib import Path

TRACES = Path(__file__).parent.parent / "data" / "traces"


def event_frame(event: dict[str, object] | bytes) -> bytes:
    body = (
        event
        if isinstance(event, bytes)
        else json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    )
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(body), body)


def reply_frame(text: str, **more: str) -> bytes:
    extra = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in more.items())
    return f"Content-Type: command/reply\nReply-Text: {text}\n{extra}\n".encode()


def api_frame(body: str | bytes) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(body), body)


def notice_frame(kind: str, text: str) -> bytes:
    return f"Content-Type: {kind}\nContent-Length: {len(text)}\n\n{text}".encode()


def trace_frames(name: str) -> list[tuple[str, bytes, bytes]]:
    """(content type, the frame's bytes, its body's bytes) of every frame that came in, in order."""
    frames = []
    for line in (TRACES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        frame = json.loads(line).get("in")
        if frame is None:
            continue
        kind, body = frame["headers"]["Content-Type"], frame.get("body", "")
        if kind == "text/event-json":
            data = event_frame(body)
        elif kind == "command/reply":
            rest = {
                k.replace("-", "_"): v
                for k, v in frame["headers"].items()
                if k not in ("Content-Type", "Reply-Text")
            }
            data = reply_frame(frame["headers"]["Reply-Text"], **rest)
        elif kind == "api/response":
            data = api_frame(body)
        else:
            data = notice_frame(kind, body)
        frames.append((kind, data, data.partition(b"\n\n")[2]))
    return frames


def trace_names() -> list[str]:
    return sorted(path.stem for path in TRACES.glob("*.jsonl"))
