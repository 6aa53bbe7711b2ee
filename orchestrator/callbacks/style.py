"""How an application's callbacks and requests for documents are written and signed, as the settings say."""

from __future__ import annotations

from orchestrator.callbacks.signature import AccountKeys, SigningKey
from orchestrator.config.applications import Account
from orchestrator.config.dialect import Dialect
from orchestrator.types import CallbackStyle


def callback_style(dialect: Dialect) -> CallbackStyle:
    return CallbackStyle(
        twilio_extras=dialect.twilio_extras,
        timestamp_format=dialect.timestamp_format,
        signatures=dialect.signatures,
        user_agent=dialect.user_agent,
        request_fields=dialect.request_fields,
    )


def keys_of(account: Account) -> AccountKeys:
    seed, token = account.signing_seed, account.auth_token
    return AccountKeys(
        ed25519=SigningKey(seed) if seed else None,
        auth_token=token.get_secret_value().encode() if token else None,
    )
