"""Ed25519 signatures as Telnyx's webhooks carry them (telnyx-texml section 2.6)."""

from __future__ import annotations

import base64
import binascii

from nacl.signing import SigningKey

__all__ = ["SIGNATURE_HEADER", "TIMESTAMP_HEADER", "SigningKey", "load_key", "new_seed", "public_key", "sign"]

SIGNATURE_HEADER = "telnyx-signature-ed25519"
TIMESTAMP_HEADER = "telnyx-timestamp"
_SEED_BYTES = 32


def load_key(seed: str) -> SigningKey:
    """The key of a 32-byte seed in base64. ValueError, which never shows the seed, if it is not one."""
    try:
        raw = base64.b64decode(seed, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a signing key must be base64") from None
    if len(raw) != _SEED_BYTES:
        raise ValueError(f"a signing key is {_SEED_BYTES} bytes in base64; this one has {len(raw)}")
    return SigningKey(raw)


def new_seed() -> str:
    """A fresh random seed, in base64."""
    return base64.b64encode(bytes(SigningKey.generate())).decode("ascii")


def public_key(key: SigningKey) -> str:
    """What the application verifies with (TELNYX_PUBLIC_KEY), in base64."""
    return base64.b64encode(bytes(key.verify_key)).decode("ascii")


def sign(key: SigningKey, body: bytes, timestamp: int) -> dict[str, str]:
    """The two headers for `body` as it is on the wire (b"" for a GET); `timestamp` in Unix seconds."""
    signature = key.sign(b"%d|%b" % (timestamp, body)).signature
    return {
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: base64.b64encode(signature).decode("ascii"),
    }
