"""Accounts, and the applications whose documents say what happens to a call."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator

from orchestrator.config.dialect import OwnDialect
from orchestrator.config.fields import (
    MethodSetting,
    Name,
    Region,
    Seconds,
    Secret,
    Section,
    Url,
    setting_error,
)

SEED_BYTES = 32


def _seed(value: SecretStr) -> SecretStr:
    try:
        seed = base64.b64decode(value.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != SEED_BYTES:
        raise setting_error(
            "this is no Ed25519 seed",
            f"{SEED_BYTES} random bytes in base64: openssl rand -base64 {SEED_BYTES}",
        )
    return value


def _uuid(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise setting_error("an account's sid is a UUID", f"e.g. {uuid.uuid4()}") from None


def fingerprint(key: str) -> bytes:
    """Of an API key; its length is not revealed either."""
    return hashlib.sha256(key.encode()).digest()


def _api_key(value: object) -> object:
    named = isinstance(value, Mapping) and not value.keys() <= {"env", "file"}
    return value if named or isinstance(value, ApiKey) else {"key": value}


class ApiKey(Section):
    """A text, `{env: NAME}` or `{file: PATH}` in its place is a key without a name."""

    name: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9 _.-]{0,63})?$")] = Field(
        default="",
        description="of who uses it, for timelines and logs; none: its place in the list names it",
    )
    key: Secret = Field(description="the bearer token")


class Account(Section):
    """The owner of calls, rooms and callbacks. Rooms of two accounts never meet."""

    sid: Annotated[str, AfterValidator(_uuid)] = Field(description="AccountSid: a UUID")
    name: str = Field(default="", description="for people, and for `account:` of an application")
    api_keys: tuple[Annotated[ApiKey, BeforeValidator(_api_key)], ...] = Field(
        default=(), description="for the REST API and the console; none: nobody can authenticate"
    )
    signing_key: Annotated[Secret, AfterValidator(_seed)] | None = Field(
        default=None, description="Ed25519 seed, base64: signs callbacks; none: callbacks are not signed"
    )

    auth_token: Secret | None = Field(
        default=None,
        description="signs requests as Twilio does (X-Twilio-Signature) where `signatures` says so; none: no "
        "such signature",
    )
    max_outgoing_calls: int | None = Field(
        default=None, ge=0, description="dialled legs at once, on all trunks and to SIP; none: no limit"
    )
    outgoing_calls_per_minute: int | None = Field(
        default=None, ge=1, description="dialled legs begun, on all trunks and to SIP; none: no limit"
    )

    @property
    def signing_seed(self) -> bytes | None:
        """The 32 bytes of the signing key."""
        return base64.b64decode(self.signing_key.get_secret_value()) if self.signing_key else None

    @field_validator("api_keys")
    @classmethod
    def _named_once(cls, keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        names = [key.name for key in keys if key.name]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            raise setting_error(f"two keys are named {twice}", "give each key a name of its own")
        return keys

    def owns_key(self, key: str) -> bool:
        """Whether `key` is one of this account's API keys; takes the same time for any wrong one."""
        return bool(self.name_of_key(key))

    def name_of_key(self, key: str) -> str:
        """As timelines and logs name it: `API key billing`, or by its place `API key 1`. Empty of any other
        key; takes the same time for any wrong one."""
        digest = fingerprint(key)
        found = [
            hmac.compare_digest(digest, fingerprint(own.key.get_secret_value())) for own in self.api_keys
        ]
        return self.key_names[found.index(True)] if any(found) else ""

    @property
    def key_names(self) -> list[str]:
        """Of all its keys, in their order."""
        return [f"API key {key.name or place}" for place, key in enumerate(self.api_keys, 1)]


class Application(OwnDialect):
    """Where the documents of a call come from, and who hears how it went."""

    name: Name = Field(description="the key of this application in the file")
    account: str = Field(
        description="sid of its account; the file may say its name, or nothing if there is one account"
    )
    connection_id: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$", description="ConnectionId in requests: digits, or letters, - and _"
    )
    voice_url: Url = Field(description="where the first document is")
    voice_method: MethodSetting = Field(default="POST", description="how voice_url is asked")
    voice_fallback_url: Url | None = Field(default=None, description="where it is when voice_url fails")
    voice_fallback_method: MethodSetting = Field(
        default="POST", description="how voice_fallback_url is asked"
    )
    status_callback: Url | None = Field(default=None, description="hears about the call itself")
    status_callback_method: MethodSetting = Field(default="POST", description="how status_callback is asked")
    profile: Name | None = Field(default=None, description="conference profile of its rooms")
    trunk: Name | None = Field(default=None, description="trunk of its calls to phone numbers")
    default_region: Region | None = Field(
        default=None,
        description="country of numbers without + in its documents and the API; none: its trunk's, else the "
        "file's",
    )
    first_command_timeout_secs: Seconds = Field(
        default=30.0,
        description="how long the first document may take, fallback included, before the call is refused",
    )
