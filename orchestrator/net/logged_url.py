"""URLs as logs and errors may show them."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

SHOWN = 200


def shown(url: str) -> str:
    """As errors and logs may have it: without user and password, and not for pages."""
    try:
        parts = urlsplit(url)
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        # Unreadable, and with a password perhaps all the same.
        url = url.rpartition("@")[2]
    return url if len(url) <= SHOWN else f"{url[:SHOWN]}…"


def for_log(url: str) -> str:
    """The URL without what may be secret in it: user, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "unreadable"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
