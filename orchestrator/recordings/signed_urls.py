"""Addresses of recordings that are good for a while, known by their signature (HMAC-SHA256)."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

KEY_BYTES = 32


@dataclass(frozen=True)
class UrlSigner:
    key: bytes = field(repr=False)
    lifetime: int
    """Seconds from the making of an address."""
    clock: Callable[[], float] = time.time

    def query(self, sid: str) -> str:
        """The signature of a recording's URL. It covers both kinds: one that is valid for one is valid for
        both, and receivers exchange .wav for .mp3 in what they were given."""
        expires = str(int(self.clock()) + self.lifetime)
        return f"expires={expires}&signature={self._signature(sid, expires)}"

    def refusal(self, sid: str, expires: str, signature: str) -> str:
        """Why this address is not good; empty for one that is."""
        # As bytes: compare_digest takes no other text than ASCII, and clients may send anything.
        if not hmac.compare_digest(self._signature(sid, expires).encode(), signature.encode()):
            return "this address lacks its signature, or was changed: use RecordingUrl as it was sent"
        # The signature is ours, so this is the number that we wrote.
        if int(expires) <= self.clock():
            return "this address has expired"
        return ""

    def _signature(self, sid: str, expires: str) -> str:
        return hmac.new(self.key, f"recording {sid} until {expires}".encode(), "sha256").hexdigest()
