"""`orchestrator config --explain`: a sentence for every key."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import cli
from orchestrator.config import explanation


@pytest.mark.parametrize("entry", explanation.entries(), ids=lambda entry: entry.path)
def test_every_key_has_a_sentence(entry: explanation.Entry) -> None:
    assert entry.about


@pytest.mark.parametrize(
    ("key", "paths"),
    [
        ("profiles.NAME.rate", ["profiles.NAME.rate"]),
        ("profiles.rate", ["profiles.NAME.rate"]),
        ("profiles.board.rate", ["profiles.NAME.rate"]),
        ("rate", ["profiles.NAME.rate"]),
        ("accounts[0].sid", ["accounts[].sid"]),
        ("muted", ["profiles.NAME.sounds.muted"]),
    ],
)
def test_a_key_is_found_however_it_is_written(key: str, paths: list[str]) -> None:
    assert [entry.path for entry in explanation.about(key)] == paths


def test_a_section_brings_its_keys_along() -> None:
    paths = [entry.path for entry in explanation.about("web")]
    assert paths[:2] == ["web", "web.listen"]


def test_limits_and_default_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "--explain", "energy_level"]) == 0
    assert "(whole number from 0 to 32767; default 100)" in capsys.readouterr().out


def test_a_misspelt_key_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "--explain", "energy_lvl"]) == 2
    assert "there is no key energy_lvl (did you mean energy_level" in capsys.readouterr().err


def test_all_keys_are_explained_without_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "--explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 200


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("callbacks.timeout_secs", "(number of seconds from 2 to 30; default 5; needs a restart)"),
        (
            "callbacks.backoff_secs",
            "(list of numbers of seconds from 0 to 3600; default [1, 2, 4]; needs a restart)",
        ),
        ("exit_beep.hz", "(whole number of Hz from 50 to 3400; default 440; needs a restart)"),
        ("sip.networks", "(mapping to list of networks; default {loopback: [127.0.0.0/8]})"),
        ("connection_id", "(text; default made from the name)"),
    ],
)
def test_defaults_and_units_are_as_one_would_write_them(
    key: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["config", "--explain", key]) == 0
    assert text in capsys.readouterr().out


def test_the_document_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it fails: orchestrator config --explain --markdown > docs/settings.md"""
    assert cli.main(["config", "--explain", "--markdown"]) == 0
    assert (Path(__file__).parents[2] / "docs" / "settings.md").read_text() == capsys.readouterr().out
