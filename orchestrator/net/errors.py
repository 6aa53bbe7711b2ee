"""Errors of connections to other servers."""

from __future__ import annotations

MAX_REASON = 200


class NetError(Exception):
    """Ours, so that no library takes it for a fault of the network and wraps it."""


class AddressRefused(NetError):
    """The name leads only to addresses that may not be dialled; the text names them and the setting."""


class TooMuch(NetError):
    """More came than anybody wants to read."""


class LookupFailed(OSError):
    """There is no such name, or nobody said so in time."""


def innermost(error: BaseException) -> BaseException:
    """Of a chain of wrapped exceptions the first cause: `Connection refused` and not what it led to."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None)
        candidates = [inner, *reversed(error.args)]
        error = next((each for each in candidates if isinstance(each, BaseException)), error)
    return error


def reason(error: BaseException) -> str:
    """The first cause in a line."""
    error = innermost(error)
    if isinstance(error, NetError | LookupFailed):
        return str(error)[:MAX_REASON]
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{type(error).__name__}: {text}"[:MAX_REASON]
