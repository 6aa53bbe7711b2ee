"""Keys: an event when somebody takes the digit, not when it is pressed."""

from __future__ import annotations

from tests.emulator.conftest import Parked
from tests.emulator.socket_client import SocketClient

LONG = "tone_stream://%(1000,0,500);loops=-1"


def digits(client: SocketClient) -> str:
    return "".join(event["DTMF-Digit"] for event in client.all("DTMF"))


def test_a_parked_leg_reports_each_digit(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    client.execute(uuid, "answer")
    phone.wait_answered(2)
    phone.press("12#")
    client.wait("DTMF", count=3)
    assert digits(client) == "12#"
    assert client.all("DTMF")[0]["DTMF-Source"] == "RTP"


def test_without_media_no_digit_comes(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    phone.press("1")
    client.execute(uuid, "answer")
    phone.wait_answered(2)
    phone.press("2")
    client.wait("DTMF")
    assert digits(client) == "2"


def test_a_terminator_ends_a_playback(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    client.execute(uuid, "set", "playback_terminators=#")
    client.execute(uuid, "playback", LONG)
    client.wait("PLAYBACK_START")
    phone.press("5#6")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="playback")
    assert done["variable_playback_terminator_used"] == "#"
    client.wait("DTMF", count=3)
    assert digits(client) == "5#6"


def test_the_project_s_dialplan_lets_no_digit_end_a_sound(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    client.execute(uuid, "playback", "tone_stream://%(400,0,500)")
    client.wait("PLAYBACK_START")
    phone.press("*")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="playback")
    assert done["variable_playback_ms"] == "400"
    assert "variable_playback_terminator_used" not in done


def test_a_digit_ends_a_sleep_and_stays_queued(client: SocketClient, parked: Parked) -> None:
    """switch_ivr_sleep, without sleep_eat_digits: it stops at a digit and leaves it in the queue."""
    phone, uuid = parked()
    client.execute(uuid, "answer")
    client.execute(uuid, "sleep", "60000")
    client.wait("CHANNEL_EXECUTE", Application="sleep")
    phone.press("7")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="sleep")
    digit = client.wait("DTMF")
    assert int(digit["Event-Sequence"]) > int(done["Event-Sequence"])


def test_a_conference_takes_digits(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    client.execute(uuid, "conference", "room@texml")
    client.wait("add-member")
    phone.press("9")
    client.wait("DTMF")
    assert digits(client) == "9"


def test_digits_are_sent_to_the_phone(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    client.execute(uuid, "send_dtmf", "12w3@100")
    phone.wait_digits("123", 2)
    assert client.api(f"uuid_send_dtmf {uuid} 4") == f"+OK {uuid} sent DTMF 4.\n"
    phone.wait_digits("1234", 2)


def test_a_tone_is_a_digit_where_the_leg_listens_for_tones(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    client.execute(uuid, "answer")
    phone.wait_answered(2)
    phone.press("1", ways=("tone",))
    client.execute(uuid, "start_dtmf")
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application="start_dtmf")
    phone.press("23", ways=("event", "tone"))
    client.wait("DTMF", count=4)
    assert [(one["DTMF-Digit"], one["DTMF-Source"]) for one in client.all("DTMF")] == [
        ("2", "RTP"),
        ("2", "INBAND_AUDIO"),
        ("3", "RTP"),
        ("3", "INBAND_AUDIO"),
    ]
