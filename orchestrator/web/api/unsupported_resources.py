"""Resources that the vendors' clients have methods for and this API has not."""

from __future__ import annotations

import re

from orchestrator.web.api.errors import ApiError, Fault

_OF_CALLS = {
    "Notifications": "the log of errors and warnings",
    "Payments": "payments",
    "Siprec": "SIPREC",
    "Streams": "media streams",
    "Transcriptions": "transcription",
    "UserDefinedMessages": "user-defined messages",
    "UserDefinedMessageSubscriptions": "user-defined messages",
}
_OF_RECORDINGS = {"AddOnResults": "add-ons", "Transcriptions": "transcription"}
_OF_ACCOUNTS = {
    "Addresses": "addresses",
    "Applications": "applications, which are in the orchestrator's settings",
    "AuthorizedConnectApps": "Connect apps",
    "AvailablePhoneNumbers": "buying numbers",
    "Balance": "a balance",
    "ConnectApps": "Connect apps",
    "IncomingPhoneNumbers": "numbers, which are in the orchestrator's settings",
    "Keys": "API keys, which are in the orchestrator's settings",
    "Messages": "messages",
    "Notifications": "the log of errors and warnings",
    "OutgoingCallerIds": "verified caller ids",
    "Queues": "queues",
    "SIP": "SIP domains, which are FreeSWITCH's own",
    "SMS": "messages",
    "SigningKeys": "signing keys",
    "Tokens": "network traversal tokens",
    "Transcriptions": "transcription",
    "Usage": "usage records",
}
_OF_TEXML = {"ai_calls": "calls by an AI assistant", "secrets": "secrets"}


def resource_not_supported(path: str) -> ApiError | None:
    """For a `path` below a vendor's prefix that no operation has; None where the vendors have none either.

    501 and not 404: an application that deletes or looks for something must not take this for "is not there".
    """
    parts = path.split("/")
    found = _OF_TEXML.get(parts[0])
    if parts[0] == "Accounts":
        parts = [re.sub(r"\.json$", "", part) for part in parts]
        match parts[2:]:
            case []:
                found = "the account as a resource"
            case ["Calls", _, name, *_]:
                found = _OF_CALLS.get(name)
            case ["Recordings", _, name, *_]:
                found = _OF_RECORDINGS.get(name)
            case [name, *_]:
                found = _OF_ACCOUNTS.get(name)
    if found is None:
        return None
    return ApiError(501, Fault("10015", "Not supported", f"Not supported by this server: {found}."))
