"""The parts get their settings: each key arrives, and secrets that are made once are kept."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from orchestrator.config import loads
from orchestrator.config.settings import Settings
from orchestrator.from_settings import address_policy, delivery_settings, installation, url_signer
from orchestrator.store.outbox import Outbox

BASE = "accounts:\n  - sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b\n"


def read(more: str) -> Settings:
    return loads(BASE + more)


@pytest.mark.parametrize(
    ("key", "value", "given", "worth"),
    [
        ("timeout_secs", "7.5", "timeout", 7.5),
        ("attempts", "9", "attempts", 9),
        ("backoff_secs", "[3, 5]", "backoff", (3.0, 5.0)),
        ("max_retry_after_secs", "11", "max_retry_after", 11.0),
        ("max_age_secs", "601", "max_age", 601.0),
        ("max_waiting", "1234", "max_waiting", 1234),
        ("concurrency", "77", "concurrency", 77),
        ("concurrency_per_destination", "6", "per_host", 6),
    ],
)
def test_each_key_of_callbacks_is_one_of_their_delivery(
    key: str, value: str, given: str, worth: object
) -> None:
    usual = delivery_settings(read(""))
    changed = delivery_settings(read(f"callbacks: {{{key}: {value}}}\n"))
    assert getattr(changed, given) == worth
    others = [name for name in usual.__slots__ if name != given]
    assert [getattr(changed, name) for name in others] == [getattr(usual, name) for name in others]


@pytest.mark.parametrize(
    ("network", "refused"),
    [
        ("{}", []),
        ("{private_addresses: allow}", []),
        ("{private_addresses: refuse}", ["10.0.0.1", "10.0.0.2"]),
        ("{private_addresses: refuse, allow: [10.0.0.1]}", ["10.0.0.2"]),
        ("{deny: [10.0.0.1, 8.8.8.8]}", ["10.0.0.1", "8.8.8.8"]),
    ],
)
def test_the_addresses_that_may_be_dialled(network: str, refused: list[str]) -> None:
    policy = address_policy(read(f"network: {network}\n"))
    assert [each for each in ("10.0.0.1", "10.0.0.2", "8.8.8.8") if policy.refusal(each)] == refused


def test_an_address_signed_before_a_restart_is_good_after_it(tmp_path: Path) -> None:
    settings = read("recordings: {url_lifetime_secs: 3600}\n")
    query = {}
    for restart in range(3):
        outbox = Outbox(tmp_path / "outbox.sqlite")
        signer = url_signer(settings, outbox)
        outbox.close()
        assert signer is not None
        query = query or dict(parse_qsl(signer.query("recording")))
        assert signer.refusal("recording", query["expires"], query["signature"]) == "", restart
    other = Outbox(tmp_path / "other.sqlite")
    signer = url_signer(settings, other)
    other.close()
    assert signer is not None
    assert "lacks its signature" in signer.refusal("recording", query["expires"], query["signature"])


def test_without_a_lifetime_nothing_is_signed(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    assert url_signer(read(""), outbox) is None
    outbox.close()


def test_a_database_keeps_its_name_and_no_other_has_it(tmp_path: Path) -> None:
    names = []
    for file in ("one.sqlite", "one.sqlite", "other.sqlite"):
        outbox = Outbox(tmp_path / file)
        names += [installation(outbox), installation(outbox)]
        outbox.close()
    assert len(set(names[:4])) == 1
    assert len(set(names)) == 2
