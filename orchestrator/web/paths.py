"""Paths of the REST API: a slash that belongs to a name is no separator.

PATH_INFO is decoded as a whole, by the standard, so that `Room%2F7` falls apart. Here each segment is decoded
by itself; what would be a separator in it stays encoded until the route is found.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from gevent.pywsgi import WSGIHandler
from werkzeug.routing import BaseConverter

PREFIXES = ("/v2/texml/", "/2010-04-01/")
# Twilio's own client sends a conference's name as it is.
_NAME_WITH_SLASH = re.compile(r"(/Accounts/[^/]+/Conferences/)(.+?)(?=/Participants(?:\.json)?(?:/|$))")


def path_info(raw: str) -> str:
    """For the environment: the path of the request line without its query, decoded segment by segment."""
    path = _NAME_WITH_SLASH.sub(lambda found: found[1] + found[2].replace("/", "%2F"), raw, count=1)
    segments = (unquote_to_bytes(segment) for segment in path.split("/"))
    encoded = (segment.replace(b"%", b"%25").replace(b"/", b"%2F") for segment in segments)
    return b"/".join(encoded).decode("latin-1")


class Segment(BaseConverter):
    """Of a rule: one segment, as `path_info` has left it."""

    def to_python(self, value: str) -> str:
        return value.replace("%2F", "/").replace("%25", "%")


UPGRADED: Final = "orchestrator.upgraded"
"""In the environment of a request that became something else than HTTP: its connection has served."""


class Handler(WSGIHandler):
    def run_application(self) -> None:
        super().run_application()
        if self.environ is not None and UPGRADED in self.environ:
            self.close_connection = True

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["REQUEST_URI"] = self.path or "/"
        raw = (self.path or "").partition("?")[0]
        if raw.startswith(PREFIXES):
            environ["PATH_INFO"] = path_info(raw)
        return environ
