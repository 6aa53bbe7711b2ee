"""Profiles: presets to start from, keys for callers, and what FreeSWITCH would not take."""

from __future__ import annotations

import pytest

from orchestrator.config import ConfigErrors, loads
from orchestrator.config.presets import PRESETS
from orchestrator.config.profile import Profile

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"


def profile(keys: str) -> Profile:
    return loads(f"{ACCOUNT}profiles:\n  p: {{{keys}}}\n", environ={}).profiles["p"]


def mistake(keys: str, name: str = "p") -> str:
    with pytest.raises(ConfigErrors) as caught:
        loads(f"{ACCOUNT}profiles:\n  {name}: {{{keys}}}\n", environ={})
    return str(caught.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_profile_as_it_stands(preset: str) -> None:
    found = profile(f"preset: {preset}")
    assert {key: str(getattr(found, key)) for key in PRESETS[preset]} == PRESETS[preset]


def test_a_key_beside_a_preset_counts_before_it() -> None:
    found = profile("preset: hd, rate: 16000")
    assert (found.rate, found.auto_energy_level) == ("16000", 400)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("preset: phones", "preset: should be phone, hd or large, not 'phones' (did you mean phone?)"),
        ("preset: hd, rate: 7000", "profiles.p.rate: should be"),
        ('caller_controls: {"0": mut}', "should be mute, mute on"),
        ('caller_controls: {"x": mute}', "has characters that do not belong there"),
        (
            'caller_controls: {"0": transfer}',
            "transfer cannot be put on a key (it would leave past the document)",
        ),
        ('caller_controls: {"0": deaf mute}', "deaf mute cannot be put on a key"),
        ('caller_controls: {"0": vmute on}', "vmute on cannot be put on a key (there is no video)"),
        ('caller_controls: {"9": energy up}', "energy up says the new level, and there is no sound_prefix"),
        ('caller_controls: {"0": mute}, member_flags: [dist-dtmf]', "exclude each other"),
        ("key_timeout_ms: 100", "greater than or equal to 500"),
        ("member_flags: [ghost]", "the flag ghost cannot be set in a profile"),
        ("interval: 25", "profiles.p.interval: should be"),
        ("rate: 12000", "FreeSWITCH mixes at 12000 Hz and cannot record it"),
        ("channels: 2", "channels: 2 cannot be set in a profile"),
        ("channels: auto", "mixes are mono"),
        ("member_flags: [positional]", "mixes are mono"),
        ("conference_flags: [auto-3d-position]", "mixes are mono"),
    ],
)
def test_values_that_freeswitch_would_not_take_are_reported(keys: str, message: str) -> None:
    assert message in mistake(keys)


def test_no_profile_has_the_name_under_which_another_is_rendered() -> None:
    assert "does not end in .quiet" in mistake("rate: 8000", "p.quiet")
