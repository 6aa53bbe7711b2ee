"""A socket to a name, connected to exactly the address that was checked."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from orchestrator.net.addresses import AddressPolicy
from orchestrator.net.errors import AddressRefused, LookupFailed
from orchestrator.net.name_lookup import LOOKUP_SECONDS, Found, Names

# A name with many addresses is nobody's reason to knock at all of them, nor to wait long for one of several.
MAX_ADDRESSES = 8
ONE_OF_SEVERAL_SECONDS = 2.0

SocketOptions = Iterable[tuple[int, int, int | bytes]]


class Connector:
    """Looks up, checks, connects."""

    def __init__(self, policy: AddressPolicy | None = None, names: Names | None = None) -> None:
        self.policy = policy or AddressPolicy()
        self._names = names or Names()

    def dial(self, host: str, port: int, timeout: float | None, options: SocketOptions = ()) -> socket.socket:
        """`timeout` is for each address, in seconds. Raises AddressRefused, LookupFailed or OSError."""
        host = host.strip("[]")
        found = self._names.addresses(host, min(timeout or LOOKUP_SECONDS, LOOKUP_SECONDS))
        allowed = self._allowed(host, found)
        problem: OSError | None = None
        while allowed:
            family, address = allowed.pop(0)
            patience = min(timeout or ONE_OF_SEVERAL_SECONDS, ONE_OF_SEVERAL_SECONDS) if allowed else timeout
            try:
                return _connected(family, (address[0], port), patience, timeout, options)
            except OSError as error:
                problem = error
        raise problem or LookupFailed(f"{host}: has no address")

    def _allowed(self, host: str, found: Found) -> Found:
        """In the order in which they were found; those that may not be dialled are left out."""
        allowed, refusals = [], []
        for family, address in found:
            refusal = self.policy.refusal(address[0])
            if refusal:
                refusals.append(f"{address[0]} is {refusal}")
            else:
                allowed.append((family, address))
        if refusals and not allowed:
            raise AddressRefused(f"{host} is not dialled: {'; '.join(refusals[:MAX_ADDRESSES])}")
        return allowed[:MAX_ADDRESSES]


def _connected(
    family: int,
    address: tuple[str, int],
    patience: float | None,
    timeout: float | None,
    options: SocketOptions,
) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            made.setsockopt(*option)
        made.settimeout(patience)
        made.connect(address)
        made.settimeout(timeout)
    except BaseException:
        made.close()
        raise
    return made
