"""A TeXML application of Python's standard library alone: every caller comes into one conference.

The callbacks that it receives are shown, on a page and on standard output.
"""

from __future__ import annotations

import argparse
import html
import sys
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Dial>
    <Conference beep="true" record="record-from-start"
                recordingStatusCallback="/recordings"
                statusCallback="/events"
                statusCallbackEvent="start end join leave mute hold speaker">Sample</Conference>
  </Dial>
</Response>
"""
PAGE = """<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Callbacks</title>
<style>body {{ font: 16px system-ui; margin: 2em }} td {{ padding: .2em 1em .2em 0 }}</style>
<h1>Callbacks</h1><p>Call any name at this machine's SIP address. The newest is at the top.</p>
<table>{rows}</table>"""
SHOWN = ("StatusCallbackEvent", "SequenceNumber", "FriendlyName", "From", "CallSid", "Timestamp")
RECORDED = ("RecordingStatus", "RecordingDuration", "RecordingUrl")
MAX_BODY = 64 * 1024

received: deque[dict[str, str]] = deque(maxlen=200)


class Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        if self.path == "/":
            rows = "".join(row(fields) for fields in reversed(received))
            self.answer(200, "text/html; charset=utf-8", PAGE.format(rows=rows))
        else:
            self.answer(404, "text/plain", "not here\n")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= MAX_BODY:
            self.answer(413, "text/plain", "too long\n")
            return
        fields = dict(parse_qsl(self.rfile.read(length).decode("utf-8", "replace")))
        if self.path == "/voice":
            say("call", fields, ("From", "To", "CallSid"))
            self.answer(200, "application/xml", DOCUMENT)
        elif self.path == "/events":
            received.append(fields)
            say("callback", fields, SHOWN)
            self.answer(204, "text/plain", "")
        elif self.path == "/recordings":
            say("recording", fields, RECORDED)
            self.answer(204, "text/plain", "")
        else:
            self.answer(404, "text/plain", "not here\n")

    def answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Only what say() writes: a request a line would hide it."""


def row(fields: dict[str, str]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(fields.get(name, ''))}" for name in SHOWN)


def say(what: str, fields: dict[str, str], names: tuple[str, ...]) -> None:
    text = " ".join(f"{name}={fields[name]!r}" for name in names if name in fields)
    print(f"{what}: {text}", file=sys.stdout, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="a TeXML application with one conference")
    parser.add_argument("--listen", default="127.0.0.1:8000", metavar="HOST:PORT")
    host, _, port = parser.parse_args().listen.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Handler) as server:
        print(f"listening on {host}:{port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
