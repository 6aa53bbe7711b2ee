from __future__ import annotations

import base64
import time

import pytest
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from orchestrator.callbacks.signature import load_key, new_seed, public_key, sign

BODY = b"AccountSid=f5586561&FriendlyName=Room+1234&SequenceNumber=2"


def test_telnyx_s_own_sdk_accepts_the_signature() -> None:
    key = load_key(new_seed())
    verify_webhook_signature(BODY, sign(key, BODY, int(time.time())), public_key(key))


def test_an_empty_body_can_be_signed() -> None:
    key = load_key(new_seed())
    verify_webhook_signature(b"", sign(key, b"", int(time.time())), public_key(key))


@pytest.mark.parametrize("tampered", [BODY + b"0", BODY[:-1], BODY.replace(b"+", b"%20"), b""])
def test_a_tampered_body_is_refused(tampered: bytes) -> None:
    key = load_key(new_seed())
    with pytest.raises(WebhookVerificationError, match="does not match"):
        verify_webhook_signature(tampered, sign(key, BODY, int(time.time())), public_key(key))


def test_a_tampered_timestamp_is_refused() -> None:
    key, now = load_key(new_seed()), int(time.time())
    headers = sign(key, BODY, now) | {"telnyx-timestamp": str(now - 1)}
    with pytest.raises(WebhookVerificationError, match="does not match"):
        verify_webhook_signature(BODY, headers, public_key(key))


def test_another_account_s_key_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="does not match"):
        verify_webhook_signature(
            BODY, sign(load_key(new_seed()), BODY, int(time.time())), public_key(load_key(new_seed()))
        )


def test_a_seed_gives_the_same_key_every_time() -> None:
    # RFC 8032, section 7.1, TEST 1.
    seed = base64.b64encode(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert base64.b64decode(public_key(load_key(seed.decode()))) == public


@pytest.mark.parametrize("seed", ["", "no base64!", "c2hvcnQ=", base64.b64encode(b"x" * 64).decode()])
def test_a_seed_that_is_none_is_refused_without_showing_it(seed: str) -> None:
    with pytest.raises(ValueError, match="a signing key") as raised:
        load_key(seed)
    assert not seed or seed not in str(raised.value)
