"""The laboratory measures the project, so it is measured itself: with a real FreeSWITCH and softphones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import numpy as np
import pytest
import requests

from tests.lab import sound
from tests.lab.eventsocket import EventSocket, named
from tests.lab.phone import Answers, NeverAnswers, Phone, Rejects, frame_times, lay_out
from tests.lab.plugin import LONG
from tests.lab.switches import Switch
from tests.lab.web import Answer, Application

real = pytest.mark.only("freeswitch")


@pytest.fixture
def esl(switch: Switch) -> Iterator[EventSocket]:
    """An event-socket connection that does what the orchestrator would do."""
    with switch.events() as esl:
        yield esl


def parked(esl: EventSocket, number: str) -> str:
    return esl.wait_event(named("CHANNEL_PARK", Caller_Destination_Number=number))["Unique-ID"]


def answered(switch: Switch, esl: EventSocket, number: str, **how: object) -> tuple[Phone, str]:
    """A call that is up, and its leg."""
    phone = switch.call(number, **how)
    leg = parked(esl, number)
    esl.execute(leg, "answer")
    phone.wait_answered()
    return phone, leg


def completes(esl: EventSocket, ident: str, timeout: float = 10.0) -> None:
    esl.wait_event(named("CHANNEL_EXECUTE_COMPLETE", Application_UUID=ident), timeout)


@real
def test_a_phone_hears_a_tone_where_and_as_long_and_as_loud_as_it_was_played(
    switch: Switch, esl: EventSocket
) -> None:
    lengths = [0.1, 0.4, 0.1, 0.4, 0.1, 0.4]
    file = switch.media_dir / "six beeps.wav"
    beeps = [np.concatenate([sound.silence(0.4), sound.tone(1000, length)]) for length in lengths]
    sound.write_wav(file, np.concatenate([*beeps, sound.silence(0.4)]))
    phone, leg = answered(switch, esl, "+13125550100")
    before = time.monotonic()
    completes(esl, esl.execute(leg, "playback", str(file)))
    heard = phone.heard(1000)
    assert len(heard) == len(lengths)
    # A busy machine makes the jitter buffer shift single edges; the middle one of them is what it measures.
    starts = before + 0.4 * np.arange(1, 7) + np.cumsum([0, *lengths[:-1]])
    lags = [found.start - start for found, start in zip(heard, starts, strict=True)]
    errors = [found.seconds - length for found, length in zip(heard, lengths, strict=True)]
    assert np.median(lags) == pytest.approx(0.04, abs=0.04)  # 35 ms of it are FreeSWITCH's own
    assert np.median(errors) == pytest.approx(0.0, abs=0.01)
    assert np.ptp(lags) < 0.08
    assert max(map(abs, errors)) < 0.08
    assert np.median([found.level_db for found in heard]) == pytest.approx(-12, abs=0.5)
    assert not phone.heard(700)


def test_two_phones_in_a_conference_hear_each_other_and_not_themselves(
    switch: Switch, esl: EventSocket
) -> None:
    anna, anna_leg = answered(switch, esl, "+13125550101", sounds=500)
    bert, bert_leg = answered(switch, esl, "+13125550102", sounds=800)
    for leg in (anna_leg, bert_leg):
        esl.execute(leg, "conference", "lab@texml.default")
    anna.wait_hears(800)
    bert.wait_hears(500)
    gevent.sleep(0.3)
    assert anna.hears_now(800)
    assert not anna.hears_now(500)
    assert bert.hears_now(500)
    assert not bert.hears_now(800)
    silent = time.monotonic()
    anna.sounds(None)
    assert bert.wait_stops_hearing(500) - silent < 0.2
    bert.wait_quiet()
    bert.hang_up()
    bert.wait_ended()
    assert len(switch.leftovers(1.0)) >= 2


def test_digits_pressed_on_a_phone_arrive(switch: Switch, esl: EventSocket) -> None:
    phone, leg = answered(switch, esl, "+13125550103")
    phone.press("15*#")
    events = esl.wait_events(named("DTMF", Unique_ID=leg), 4)
    assert [event["DTMF-Digit"] for event in events] == ["1", "5", "*", "#"]
    esl.execute(leg, "send_dtmf", "42")
    phone.wait_digits("42")


def test_a_busy_number_gives_486(switch: Switch, esl: EventSocket) -> None:
    phone = switch.call("+13125550104")
    esl.api(f"uuid_kill {parked(esl, '+13125550104')} USER_BUSY")
    phone.wait_ended()
    assert phone.sip_status == 486
    with pytest.raises(AssertionError, match="486"):
        phone.wait_answered(0.1)


def test_a_caller_who_hangs_up_while_it_rings_cancels(switch: Switch, esl: EventSocket) -> None:
    phone = switch.call("+13125550105")
    leg = parked(esl, "+13125550105")
    esl.execute(leg, "ring_ready")
    phone.wait_ringing()
    phone.cancel()
    phone.wait_ended()
    assert phone.sip_status == 487
    gone = esl.wait_event(named("CHANNEL_HANGUP_COMPLETE", Unique_ID=leg))
    assert gone["Hangup-Cause"] == "ORIGINATOR_CANCEL"


@real
def test_the_caller_and_headers_of_an_invite_arrive(switch: Switch, esl: EventSocket) -> None:
    name = 'Zoë "Z" O\\Neil'
    switch.call("+13125550106", from_="+491711234567", name=name, headers={"X-Order": "a=1;b"})
    leg = parked(esl, "+13125550106")
    event = esl.wait_event(lambda event: event["Event-Name"] == "CHANNEL_PARK" and event["Unique-ID"] == leg)
    assert event["Caller-Caller-ID-Number"] == "+491711234567"
    assert "Zoë" in event["Caller-Caller-ID-Name"]
    assert event["variable_sip_h_X-Order"] == "a=1;b"


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Answers(), "+OK"),
        (Answers(after=0.3), "+OK"),
        (Rejects(486), "-ERR USER_BUSY"),
        (Rejects(603, after=0.2), "-ERR CALL_REJECTED"),
        (NeverAnswers(), "-ERR NO_ANSWER"),
    ],
)
def test_a_phone_that_is_called_behaves(
    switch: Switch, esl: EventSocket, behaviour: Answers, outcome: str
) -> None:
    target = switch.register("+13125550107", behaviour)
    patience = 1 if isinstance(behaviour, NeverAnswers) else 10
    esl.send(
        f"bgapi originate {{originate_timeout={patience},origination_caller_id_number=+13125550999}}"
        f"sofia/texml/+13125550107@{switch.phones_address} &park"
    )
    phone = target.wait_called()
    assert phone.caller == "+13125550999"
    done = esl.wait_event(named("BACKGROUND_JOB"), 15)
    assert done["_body"].startswith(outcome)
    if outcome == "+OK":
        phone.wait_answered()


def test_an_unregistered_number_is_not_found(switch: Switch, esl: EventSocket) -> None:
    answer = esl.api(f"originate sofia/texml/+19999@{switch.phones_address} &park")
    assert answer.startswith("-ERR UNALLOCATED_NUMBER")


def test_a_killed_switch_comes_back_empty(switch: Switch, esl: EventSocket) -> None:
    switch.call("+13125550108")
    parked(esl, "+13125550108")
    switch.restart()
    assert switch.leftovers() == []


def test_a_switch_that_stays_dead_is_there_for_the_next_test(switch: Switch, esl: EventSocket) -> None:
    answered(switch, esl, "+13125550109")
    switch.kill()


@real
def test_a_frozen_switch_answers_nothing_until_it_thaws(switch: Switch, esl: EventSocket) -> None:
    esl.timeout = 0.2
    switch.freeze()
    with pytest.raises(gevent.Timeout):
        esl.api("status")
    switch.thaw()
    assert "is ready" in switch.api("status")


def test_six_phones_are_heard_by_each_other_at_once(switch: Switch, esl: EventSocket) -> None:
    speaks = {f"+1312555020{n}": 400 + 170 * n for n in range(6)}
    phones = {number: switch.call(number, sounds=hz) for number, hz in speaks.items()}
    for number in speaks:
        esl.execute(parked(esl, number), "conference", "six@texml.default")
    for number, phone in phones.items():
        for other, hz in speaks.items():
            if other != number:
                phone.wait_hears(hz)
        assert not phone.hears_now(speaks[number])


class TestSound:
    @pytest.mark.parametrize("start", [0.0, 0.0123, 0.5, 1.0071])
    @pytest.mark.parametrize("length", [0.06, 0.1, 0.4, 2.0])
    def test_a_tones_edges_are_found_to_5_ms_and_its_level_to_half_a_db(
        self, start: float, length: float
    ) -> None:
        samples = np.concatenate([sound.silence(start), sound.tone(440, length, -20), sound.silence(0.3)])
        [found] = sound.timeline(samples, 440)
        assert found.start == pytest.approx(start, abs=0.005)
        assert found.end == pytest.approx(start + length, abs=0.005)
        assert found.level_db == pytest.approx(-20, abs=0.5)

    def test_tones_100_hz_apart_are_distinguished(self) -> None:
        samples = np.concatenate(
            [
                sound.tone(500, 0.5),
                sound.tone(500, 0.5) // 2 + sound.tone(600, 0.5) // 2,
                sound.tone(600, 0.5),
            ]
        )
        [low], [high] = sound.timeline(samples, 500), sound.timeline(samples, 600)
        assert (low.start, low.end) == pytest.approx((0.0, 1.0), abs=0.03)
        assert (high.start, high.end) == pytest.approx((0.5, 1.5), abs=0.03)
        assert sound.timeline(samples, 800) == []

    def test_the_click_of_a_loud_tone_is_no_tone_of_another_frequency(self) -> None:
        samples = np.concatenate([sound.silence(0.2), sound.tone(440, 0.3, -1), sound.silence(0.2)])
        for hz in (300, 700, 1000, 1500, 2500):
            assert sound.timeline(samples, hz) == []

    def test_levels_are_relative_to_a_full_scale_sine(self) -> None:
        samples = sound.tone(1000, 0.5, 0.0)
        assert sound.level_db(samples, 1000) == pytest.approx(0.0, abs=0.1)
        assert sound.rms_db(samples) == pytest.approx(-3.0, abs=0.1)
        assert sound.rms_db(sound.silence(0.1)) < -100
        assert sound.strongest_hz(samples) == pytest.approx(1000, abs=3)

    def test_a_wav_file_comes_back_as_written(self, tmp_path: Path) -> None:
        sound.write_wav(tmp_path / "a.wav", sound.tone(440, 0.1))
        samples, rate = sound.read_wav(tmp_path / "a.wav")
        assert rate == 8000
        assert (samples == sound.tone(440, 0.1)).all()

    def test_frames_that_came_late_stand_where_they_belong(self) -> None:
        due = 100 + 0.02 * np.arange(10)
        late = due.copy()
        late[3:6] = [100.15, 100.151, 100.152]
        late.sort()
        times = frame_times(np.maximum(late, due))
        assert times == pytest.approx(due, abs=0.001)

    def test_a_gap_between_frames_is_silence(self) -> None:
        frames = np.ones((3, 160), np.int16)
        samples = lay_out(np.array([5.0, 5.02, 5.08]), frames)
        assert samples.reshape(-1, 160)[:, 0].tolist() == [1, 1, 0, 0, 1]


class TestApplication:
    def test_documents_are_given_out_in_turn_and_the_last_one_stays(self, application: Application) -> None:
        url = application.document("/voice", "<Response/>", "<Response><Hangup/></Response>")
        answers = [requests.get(url, timeout=5) for _ in range(3)]
        assert [answer.text for answer in answers] == ["<Response/>", *["<Response><Hangup/></Response>"] * 2]
        assert answers[0].headers["Content-Type"] == "application/xml"

    def test_a_request_is_remembered_as_it_came(self, application: Application) -> None:
        url = application.takes_callbacks("/events")
        body = "b=2&a=1&a=%2B3&empty="
        head = {"Content-Type": "application/x-www-form-urlencoded", "X-Twice": "1"}
        assert requests.post(url + "?q=1", data=body, headers=head, timeout=5).status_code == 204
        [request] = application.wait_for("/events")
        assert (request.method, request.path, request.query) == ("POST", "/events", "q=1")
        assert request.body == body.encode()
        assert request.form == (("b", "2"), ("a", "1"), ("a", "+3"), ("empty", ""))
        assert request.fields == {"b": "2", "a": "1", "empty": ""}
        assert request.headers["x-twice"] == "1"
        assert abs(request.at - time.monotonic()) < 1

    def test_an_unknown_path_gives_404_and_a_number_that_status(self, application: Application) -> None:
        application.route("/fails", 500, 200)
        assert requests.get(application.url("/nowhere"), timeout=5).status_code == 404
        assert [requests.get(application.url("/fails"), timeout=5).status_code for _ in range(2)] == [
            500,
            200,
        ]

    def test_a_function_may_answer_from_the_request(self, application: Application) -> None:
        url = application.route("/echo", lambda request: request.fields["Digits"])
        assert requests.post(url, data={"Digits": "12"}, timeout=5).text == "12"

    def test_a_wait_in_vain_names_the_events_that_came(self, application: Application) -> None:
        requests.get(application.url("/other"), timeout=5)
        with pytest.raises(AssertionError, match="GET /other"):
            application.wait_for("/events", timeout=0.05)

    def test_it_can_be_slow_and_it_can_hang(self, application: Application) -> None:
        slow = application.route("/slow", Answer("done", delay=0.2))
        stuck = application.route("/stuck", Answer(hangs=True))
        before = time.monotonic()
        assert requests.get(slow, timeout=5).text == "done"
        assert time.monotonic() - before >= 0.2
        with pytest.raises(requests.Timeout):
            requests.get(stuck, timeout=0.2)

    def test_tones_are_served_as_wav_files(self, application: Application, tmp_path: Path) -> None:
        answer = requests.get(application.tone(700, 0.5), timeout=5)
        (tmp_path / "tone.wav").write_bytes(answer.content)
        samples, _ = sound.read_wav(tmp_path / "tone.wav")
        assert answer.headers["Content-Type"] == "audio/wav"
        assert sound.level_db(samples, 700) == pytest.approx(-12, abs=0.2)

    def test_it_speaks_where_espeak_is(self, application: Application) -> None:
        if not application.can_speak():
            pytest.skip("espeak-ng is not installed")
        assert requests.get(application.speech("hello"), timeout=5).content.startswith(b"RIFF")


def test_the_paths_that_the_quick_suite_leaves_out_exist() -> None:
    tests = Path(__file__).parent
    assert [path for path in sorted(LONG) if not tests.joinpath(path).exists()] == []
