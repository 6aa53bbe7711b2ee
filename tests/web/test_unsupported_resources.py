"""Resources of the vendors that this API has not are answered so, and resources of nobody are not found."""

from __future__ import annotations

import pytest

from orchestrator.calls.records import CallRecord
from orchestrator.web.api.calls import _direction, _status
from orchestrator.web.api.response_schema import ApiBase
from orchestrator.web.api.unsupported_resources import resource_not_supported

OF_ACCOUNTS = (
    *("Addresses", "Applications", "AuthorizedConnectApps", "AvailablePhoneNumbers", "Balance"),
    *("ConnectApps", "IncomingPhoneNumbers", "Keys", "Messages", "Notifications", "OutgoingCallerIds"),
    *("Queues", "SIP", "SMS", "SigningKeys", "Tokens", "Transcriptions", "Usage"),
)
OF_CALLS = (
    *("Notifications", "Payments", "Siprec", "Streams", "Transcriptions", "UserDefinedMessages"),
    "UserDefinedMessageSubscriptions",
)
NOT_BUILT = [
    "Accounts",
    "Accounts/a",
    "ai_calls",
    "ai_calls/x",
    "secrets",
    *(f"Accounts/a/{name}" for name in OF_ACCOUNTS),
    *(f"Accounts/a/{name}/x/y.json" for name in OF_ACCOUNTS),
    *(f"Accounts/a/Calls/c/{name}" for name in OF_CALLS),
    *(f"Accounts/a/Recordings/r/{name}" for name in ("AddOnResults", "Transcriptions")),
]
NOWHERE = ["", "x", "Calls", "Accounts/a/Nothing", "Accounts/a/Calls/c/Nothing", "Accounts/a/Recordings/r/x"]


@pytest.mark.parametrize("path", NOT_BUILT)
def test_it_is_not_supported_with_and_without_its_suffix(path: str) -> None:
    for written in (path, f"{path}.json") if path.startswith("Accounts/a/") else (path,):
        error = resource_not_supported(written)
        assert error is not None
        assert error.status == 501
        assert "Not supported by this server: " in str(error.faults[0].detail)


@pytest.mark.parametrize("path", NOWHERE)
def test_a_resource_that_neither_vendor_has_is_not_found(path: str) -> None:
    assert resource_not_supported(path) is None


@pytest.mark.parametrize(
    ("outbound", "parent", "telnyx", "twilio"),
    [
        (False, "", "inbound", "inbound"),
        (True, "", "outbound", "outbound-api"),
        (True, "v3:a", "outbound", "outbound-dial"),
    ],
)
def test_a_call_s_direction_is_in_each_vendor_s_words(
    outbound: bool, parent: str, telnyx: str, twilio: str
) -> None:
    call = CallRecord("v3:c", "a", "leg", "+1", "+2", outbound, 1, 1, parent_call_sid=parent)
    assert _direction(ApiBase("telnyx", "a"), call) == telnyx
    assert _direction(ApiBase("twilio", "a"), call) == twilio


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress", "completed", "busy"])
def test_telnyx_has_no_queued_call(status: str) -> None:
    call = CallRecord("v3:c", "a", "leg", "+1", "+2", True, 1, 1, status=status)
    assert _status(ApiBase("telnyx", "a"), call) == ("ringing" if status == "queued" else status)
    assert _status(ApiBase("twilio", "a"), call) == status
