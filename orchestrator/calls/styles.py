"""How an application's callbacks and requests for documents are written and signed, as the settings say."""

from __future__ import annotations

from orchestrator.callbacks.signature import AccountKeys, SigningKey
from orchestrator.conference.model import CallbackStyle
from orchestrator.config.applications import Account, Application
from orchestrator.config.settings import Settings


def callback_style(settings: Settings, application: Application) -> CallbackStyle:
    callbacks = settings.callbacks
    return CallbackStyle(
        twilio_extras=callbacks.twilio_extras,
        timestamp_format=callbacks.timestamp_format,
        signatures=callbacks.signatures,
        user_agent=callbacks.user_agent,
        request_fields=callbacks.request_fields,
    )


def keys_of(account: Account) -> AccountKeys:
    seed, token = account.signing_seed, account.auth_token
    return AccountKeys(
        ed25519=SigningKey(seed) if seed else None,
        auth_token=token.get_secret_value().encode() if token else None,
    )
