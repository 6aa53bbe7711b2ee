"""URLs as applications write them: what is requested is what was written, byte by byte.

A query may be a signed token, in Latin-1, or a mere flag: what is decoded and encoded again may come out as
something else. requests and urllib3 both do that; here it is not done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, RequestException

from orchestrator.net.errors import NetError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# Up to where path, query or fragment begins.
_BEFORE_THE_PATH = re.compile(r"[^:/?#]*://[^/?#\\]*")
# Characters that no URL has (RFC 3986, 2): servers answer 400 to some of it, or take it for the end of the
# request line.
_FORBIDDEN = re.compile(r"[^!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]")


class Unrequestable(NetError):
    """The URL is none that HTTP could be spoken with; no attempt can ever succeed."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL made ready once for all its requests."""

    origin: str
    """Scheme, host and port: what connections are kept for."""
    target: str
    """Path and query as written, without the fragment."""
    headers: Mapping[str, str]
    """Its user and password."""

    @property
    def url(self) -> str:
        return self.origin + self.target

    def target_with_fields(self, encoded: str) -> str:
        """The target with a form's fields after its own query."""
        return with_fields(self.target, encoded)


@lru_cache(maxsize=2048)
def target(url: str) -> Target:
    """`url` checked and split, its user and password as a header. Raises Unrequestable."""
    request = PreparedRequest()
    try:
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https"):
            raise Unrequestable(f"scheme {parts.scheme!r} is not http or https")
        request.prepare(method="POST", url=url)
    except (RequestException, ValueError) as error:
        raise Unrequestable(str(error)) from error
    assert request.url is not None
    prepared = urlsplit(request.url)
    host = prepared.netloc.rpartition("@")[2]
    headers = {name: value for name, value in request.headers.items() if name.lower() == "authorization"}
    return Target(f"{prepared.scheme}://{host}", path_of(url), headers)


def path_of(url: str) -> str:
    """Path and query as written; only what no URL has is percent-encoded, as UTF-8. No fragment."""
    written = url.strip().partition("#")[0]
    before = _BEFORE_THE_PATH.match(written)
    path = _FORBIDDEN.sub(_percent_encoded, written[before.end() :] if before else written)
    return path if path.startswith("/") else f"/{path}"


def with_fields(url: str, encoded: str) -> str:
    """`url` with the fields of a form, as they are encoded, after its own query, which stays as it is."""
    before, hash_, fragment = url.partition("#")
    if not encoded:
        return url
    separator = "" if before.endswith(("?", "&")) else "&"
    if "?" not in before:
        separator = "?"
    return f"{before}{separator}{encoded}{hash_}{fragment}"


def resolve(base: str, url: str) -> str:
    """`url` as written in what came from `base`; empty means that very place.

    A text that is no URL stays as it is: the request for it fails with the reason.
    """
    url = url.strip()
    if _SCHEME.match(url):
        return url
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def location(base: str, header: str) -> str:
    """Where a redirect leads. A byte of its Location that is not ASCII stays that byte (RFC 9110, 10.2.2)."""
    written = "".join(char if char < "\x80" else f"%{ord(char):02X}" for char in header)
    return resolve(base, written)


def _percent_encoded(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
