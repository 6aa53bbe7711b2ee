"""What of another reading of the file counts at once, and what needs a restart."""

from __future__ import annotations

from orchestrator.config import Settings, loads
from orchestrator.config.live import change, needs_restart

SID = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"


def read(more: str) -> Settings:
    return loads(f"accounts: [{{sid: {SID}}}]\n{more}", environ={})


def test_the_same_file_changes_nothing() -> None:
    found = change(read("web: {listen: 127.0.0.1:1}"), read("web: {listen: 127.0.0.1:1}"))
    assert (found.taken, found.left) == ((), ())


def test_what_counts_at_once_is_taken_and_the_rest_is_left_and_named() -> None:
    old = read("applications: {a: {voice_url: 'http://h/1'}}")
    new = read(
        "applications: {a: {voice_url: 'http://h/2'}}\n"
        "profiles: {wide: {rate: 16000}}\n"
        "web: {listen: 127.0.0.1:9}\n"
        "freeswitch: {nodes: [{port: 8022}]}\n"
        "conference: {hangup_on_star: true, speech_start_ms: 300}\n"
    )
    found = change(old, new)
    assert found.taken == ("applications.a.voice_url", "profiles.wide", "conference.hangup_on_star")
    assert found.left == ("freeswitch.nodes[0].port", "conference.speech_start_ms", "web.listen")
    assert found.settings.applications["a"].voice_url == "http://h/2"
    assert found.settings.conference.hangup_on_star
    assert found.settings.conference.speech_start_ms == 0
    assert found.settings.web.listen == old.web.listen


def test_a_key_says_whether_it_needs_a_restart() -> None:
    assert needs_restart("web.listen")
    assert needs_restart("conference.speech_start_ms")
    assert not needs_restart("conference.hangup_on_star")
    assert not needs_restart("profiles.NAME.rate")
