"""Limits how many different wrong keys may be tried, from one address and against one account.

A wrong key that comes again reveals nothing new to the client, and counts once: a client with an old key,
which asks every second, locks out nobody. A key that was right from an address stays welcome there, so nobody
else's attempts keep its owner out. Everything is in memory, and bounded.
Ours, because libraries that limit count requests, not different keys.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from orchestrator.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Area = Literal["console", "rest", "metrics"]
AttemptOutcome = Literal["wrong", "refused"]


class Allowance(NamedTuple):
    """So many at once, and one more every so many seconds."""

    attempts: int
    seconds: float


OF_ADDRESS: Final = Allowance(10, 30.0)
OF_ACCOUNT: Final = Allowance(100, 30.0)
MAX_KEPT: Final = 10_000
"""Addresses, accounts and right keys that are remembered: of more the ones that came first are forgotten."""


class TooManyAttempts(Exception):
    """Nothing is looked at for `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many wrong keys were tried: wait {retry_after} s.")
        self.retry_after = retry_after


class _Kept(Generic[K, V]):
    def __init__(self, make: Callable[[], V]) -> None:
        self._make = make
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, key: K) -> V:
        entry = self._entries.pop(key, None)
        if entry is None:
            entry = self._make()
        self._entries[key] = entry
        while len(self._entries) > MAX_KEPT:
            self._entries.popitem(last=False)
        return entry


class _Bucket:
    """The rest of an allowance, and the wrong keys that have used it up."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._left = float(allowance.attempts)
        self._at = -math.inf
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self.refusing = False

    def wait(self, now: float) -> float:
        """Seconds until another wrong key may be tried; 0: now."""
        if now > self._at:
            gained = (now - self._at) / self._allowance.seconds
            self._left = min(float(self._allowance.attempts), self._left + gained)
        self._at = now
        self.refusing = self.refusing and self._left < 1.0
        return 0.0 if self._left >= 1.0 else (1.0 - self._left) * self._allowance.seconds

    def knows(self, digest: bytes) -> bool:
        """Whether this wrong key has been counted."""
        return digest in self._wrong

    def spend(self, digest: bytes) -> None:
        if digest in self._wrong:
            return
        self._left -= 1.0
        self._wrong[digest] = None
        while len(self._wrong) > self._allowance.attempts:
            self._wrong.popitem(last=False)


class Attempts:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` in seconds."""
        self.counted: Counter[tuple[Area, AttemptOutcome]] = Counter()
        self._clock = clock
        self._addresses: _Kept[str, _Bucket] = _Kept(lambda: _Bucket(OF_ADDRESS))
        self._accounts: _Kept[str, _Bucket] = _Kept(lambda: _Bucket(OF_ACCOUNT))
        self._right: _Kept[tuple[str, bytes], bool] = _Kept(lambda: True)

    def check(
        self, area: Area, address: str, account: str, key: str, find: Callable[[], T | None]
    ) -> T | None:
        """The result of `find` for the key: None for a wrong one. Raises TooManyAttempts, without asking it.

        `account`: the one that is named beside the key; empty where none is.
        """
        network, digest, now = _network(address), hashlib.sha256(key.encode()).digest(), self._clock()
        buckets = self._addresses[network], self._accounts[account or area]
        if (network, digest) not in self._right:
            wait = max(0.0 if bucket.knows(digest) else bucket.wait(now) for bucket in buckets)
            if wait > 0.0:
                self._refuse(area, address, account, buckets, wait)
        found = find()
        if found is not None:
            self._right[network, digest]
        else:
            self.counted[area, "wrong"] += 1
            for bucket in buckets:
                bucket.spend(digest)
        return found

    def _refuse(
        self, area: Area, address: str, account: str, buckets: tuple[_Bucket, ...], wait: float
    ) -> None:
        """Raises TooManyAttempts."""
        self.counted[area, "refused"] += 1
        if not all(bucket.refusing for bucket in buckets if bucket.wait(self._clock()) > 0.0):
            # Once until somebody may try again: further attempts shall not fill the log.
            log.warning("too many wrong keys", area=area, address=address, account=account, seconds=int(wait))
        for bucket in buckets:
            bucket.refusing = True
        raise TooManyAttempts(max(1, math.ceil(wait)))


def _network(address: str) -> str:
    """The owner of one IPv6 address has 2 to the 64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))
