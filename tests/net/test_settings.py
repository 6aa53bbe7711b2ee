"""The settings under `network`."""

from __future__ import annotations

import pytest

from orchestrator.config import ConfigErrors, loads

BASE = "accounts:\n  - sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b\n"


def test_private_addresses_are_allowed_where_nothing_is_said() -> None:
    network = loads(BASE).network
    assert (network.private_addresses, network.allow, network.deny) == ("allow", (), ())


def test_networks_are_read() -> None:
    more = "network: {private_addresses: refuse, allow: [10.1.2.3, 'fd12::/16'], deny: [10.9.0.0/16]}\n"
    network = loads(BASE + more).network
    assert network.private_addresses == "refuse"
    assert [str(each) for each in (*network.allow, *network.deny)] == [
        "10.1.2.3/32",
        "fd12::/16",
        "10.9.0.0/16",
    ]


@pytest.mark.parametrize("network", ["10.1.2.3/8", "10.0.0", "example.com", "10.0.0.0/33"])
def test_a_text_that_is_no_network_is_named_with_its_line(network: str) -> None:
    with pytest.raises(ConfigErrors) as found:
        loads(f"{BASE}network:\n  deny:\n    - {network}\n")
    (error,) = found.value.errors
    assert (error.line, error.path) == (5, "network.deny[0]")
    assert "this is no network" in error.message
