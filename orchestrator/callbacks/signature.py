"""Signatures of requests: Ed25519 as Telnyx signs, HMAC-SHA1 as Twilio does."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, urldefrag, urlsplit, urlunsplit

from nacl.signing import SigningKey

from orchestrator.types import CallbackStyle

__all__ = [
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "TWILIO_HEADER",
    "UNSIGNED",
    "AccountKeys",
    "Signer",
    "SigningKey",
    "load_key",
    "new_seed",
    "public_key",
    "sign",
    "twilio_signature",
]

SIGNATURE_HEADER = "telnyx-signature-ed25519"
TIMESTAMP_HEADER = "telnyx-timestamp"
TWILIO_HEADER = "X-Twilio-Signature"
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
    """The key with which the application verifies (TELNYX_PUBLIC_KEY), in base64."""
    return base64.b64encode(bytes(key.verify_key)).decode("ascii")


def sign(key: SigningKey, body: bytes, timestamp: int) -> dict[str, str]:
    """The two headers for `body` as it is on the wire (b"" for a GET); `timestamp` in Unix seconds."""
    signature = key.sign(b"%d|%b" % (timestamp, body)).signature
    return {
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: base64.b64encode(signature).decode("ascii"),
    }


def twilio_signature(token: bytes, url: str, form: bytes | None) -> str:
    """X-Twilio-Signature of a request for `url` as it is on the wire; `form` is the body, None of a GET.

    The signed text is the URL and after it each field's name and value, by name; a receiver reads neither a
    fragment nor a user and password off its request line, so those are left out.
    """
    parts = urlsplit(urldefrag(url).url)
    text = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    fields = parse_qsl((form or b"").decode("ascii"), keep_blank_values=True)
    # A value that a field has twice counts once (twilio.request_validator).
    text += "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(token, text.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The signing keys of an account; None: not signed in that way."""

    ed25519: SigningKey | None = field(default=None, repr=False)
    auth_token: bytes | None = field(default=None, repr=False)


class Signer(NamedTuple):
    """The headers that say whose request it is: User-Agent and signatures."""

    style: CallbackStyle = CallbackStyle()
    keys: AccountKeys = AccountKeys()

    def headers(self, url: str, form: bytes | None, at: int) -> dict[str, str]:
        """Of a request for `url`, both as on the wire; `form` is None of a GET, `at` in Unix seconds."""
        found = {"User-Agent": self.style.user_agent}
        if self.keys.ed25519 is not None and self.style.signatures != "twilio":
            found |= sign(self.keys.ed25519, form or b"", at)
        if self.keys.auth_token is not None and self.style.signatures != "telnyx":
            found[TWILIO_HEADER] = twilio_signature(self.keys.auth_token, url, form)
        return found


UNSIGNED = Signer()
