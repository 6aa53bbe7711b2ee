"""Each race a few times; `python -m tests.races` runs them a hundred times each."""

from __future__ import annotations

import pytest

from tests.races.race import known, settle
from tests.scenarios.conftest import House, house

__all__ = ["house"]

TIMES = 12


@pytest.mark.only("freeswitch")
@pytest.mark.parametrize("name", known())
def test_nothing_is_left_and_every_recording_has_one_end(house: House, name: str) -> None:
    """Symptom: sessions that stay in FreeSWITCH whatever is done to them, and recordings that are in progress
    for ever. Cause: `uuid_record start` on a leg that hangs up
    (orchestrator/recordings/call_recording.py), and a hook for the leg's end that was set after it. Fix:
    the leg itself records, and the hook comes before the order.
    """
    assert [*known()[name](house, TIMES), *settle(house)] == []
