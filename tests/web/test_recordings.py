"""A listener gets the whole file, the part that was requested, or the reason why not."""

import logging
import resource
import statistics
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import gevent
import numpy as np
import pytest
import soundfile

from orchestrator.media.trim import trim_silence
from orchestrator.recordings import mp3 as mp3s
from tests.lab.cost import Turns, at_most
from tests.web.site import RATE, Site, wait_until

SID = "35094891-3290-4142-b2c2-b2eda57534cf"


def heard(body: bytes) -> tuple[float, int]:
    """Seconds and channels of audio."""
    info = soundfile.info(BytesIO(body))
    return info.frames / info.samplerate, info.channels


# The WAV


def test_a_wav_comes_as_it_is(site: Site) -> None:
    sid = site.record()
    answer = site.ask(f"/recordings/{sid}.wav")
    assert answer.status == 200
    assert answer.body == site.files.path(sid).read_bytes()
    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(("kind", "content_type"), [("wav", "audio/wav"), ("mp3", "audio/mpeg")])
def test_head_answers_as_get_would(site: Site, kind: str, content_type: str) -> None:
    sid = site.record()
    head, whole = (site.ask(f"/recordings/{sid}.{kind}", method) for method in ("HEAD", "GET"))
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == content_type
    assert head.headers["Content-Length"] == str(len(whole.body))
    assert head.headers["ETag"] == whole.headers["ETag"]
    wait_until(lambda: not site.open_files(sid), "the file is closed")


@pytest.mark.parametrize("kind", ["wav", "mp3"])
@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=100-100", slice(100, 101)),
        ("bytes=500-", slice(500, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-99999999", slice(5, None)),
    ],
)
def test_a_player_gets_the_part_it_asks_for(site: Site, kind: str, asked: str, part: slice) -> None:
    sid = site.record()
    whole = site.ask(f"/recordings/{sid}.{kind}").body
    answer = site.ask(f"/recordings/{sid}.{kind}", Range=asked)
    assert answer.status == 206
    assert answer.body == whole[part]
    start, stop, _ = part.indices(len(whole))
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    assert answer.headers["Content-Length"] == str(len(answer.body))


def test_a_part_that_lies_across_chunks_is_exact(site: Site) -> None:
    sid = site.record(seconds=60)
    whole = site.files.path(sid).read_bytes()
    answer = site.ask(f"/recordings/{sid}.wav", Range="bytes=200001-800000")
    assert answer.body == whole[200001:800001]


def test_a_part_beyond_the_end_is_refused_and_the_file_closed(site: Site) -> None:
    sid = site.record()
    answer = site.ask(f"/recordings/{sid}.wav", Range="bytes=99999999-")
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{site.files.path(sid).stat().st_size}"
    wait_until(lambda: not site.open_files(sid), "the file is closed")


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "nonsense", "bytes=9-1", "bytes=a-b"])
def test_a_range_that_nobody_understands_gets_the_whole_file(site: Site, asked: str) -> None:
    sid = site.record()
    answer = site.ask(f"/recordings/{sid}.wav", Range=asked)
    assert (answer.status, len(answer.body)) == (200, site.files.path(sid).stat().st_size)


def test_a_client_that_has_the_file_already_gets_304(site: Site) -> None:
    sid = site.record()
    path = f"/recordings/{sid}.wav"
    first = site.ask(path)
    assert site.ask(path, If_None_Match=first.headers["ETag"]).status == 304
    assert site.ask(path, If_Modified_Since=first.headers["Last-Modified"]).status == 304
    assert site.ask(path, If_None_Match='"other"').status == 200
    assert site.ask(path, If_Range=first.headers["ETag"], Range="bytes=0-9").status == 206
    assert site.ask(path, If_Range='"other"', Range="bytes=0-9").status == 200
    wait_until(lambda: not site.open_files(sid), "the file is closed")


# Missing recordings


@pytest.mark.parametrize(
    "name",
    [
        f"{uuid4()}.wav",
        f"{uuid4()}.mp3",
        SID.upper() + ".wav",
        f"{SID}.WAV",
        f"{SID}.ogg",
        f"{SID}.wav.part",
        f"{SID}.making.mp3",
        f"{SID}.",
        f"{SID}.wav%00",
        f"{SID}%00.wav",
        f"%00{SID}.wav",
        f"{SID}.wav%0a",
        f"{SID}%0a.wav",
        f"{SID}.wav/",
        f"{SID.replace('-', '')}.wav",
        f"{{{SID}}}.wav",
        f"%D9%A3{SID[1:]}.wav",  # a digit 3, of Arabic
        "%ff%fe.wav",
        f"../recordings/{SID}.wav",
        f"..%2f{SID}.wav",
        "..%2F..%2Fetc%2Fpasswd",
        "../../../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        f"x%2f{SID}.wav",
        f"..%5c{SID}.wav",
        "..wav",
        ".wav",
        "secret.wav",
        "",
    ],
)
def test_only_the_name_of_a_recording_as_we_write_it_finds_one(site: Site, name: str) -> None:
    site.record(sid=SID)
    site.record(sid="secret")
    assert site.ask(f"/recordings/{SID}.wav").status == 200
    assert site.ask(f"/recordings/{name}").status == 404


def test_a_missing_recording_is_reported_as_text_that_is_not_cached(site: Site) -> None:
    answer = site.ask(f"/recordings/{SID}.wav")
    assert (answer.status, answer.text) == (404, "there is no such recording\n")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_directory_with_the_name_of_a_recording_is_none(site: Site) -> None:
    site.files.path(SID).mkdir()
    assert site.ask(f"/recordings/{SID}.wav").status == 404
    assert site.ask(f"/recordings/{SID}.mp3").status == 404


def test_recordings_can_only_be_read(site: Site) -> None:
    sid = site.record()
    assert {site.ask(f"/recordings/{sid}.wav", method).status for method in ("PUT", "POST", "DELETE")} == {
        405
    }


# While it is being recorded


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_recording_is_served_once_it_is_closed(site: Site, kind: str) -> None:
    with soundfile.SoundFile(site.files.path(SID), "w", RATE, 1, subtype="PCM_16") as file:
        for _ in range(2):
            answer = site.ask(f"/recordings/{SID}.{kind}")
            assert (answer.status, answer.text) == (409, "this is still being recorded\n")
            assert int(answer.headers["Retry-After"]) > 0
            file.write(np.zeros(RATE))
    answer = site.ask(f"/recordings/{SID}.{kind}")
    assert answer.status == 200
    assert heard(answer.body)[0] == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_file_that_a_crashed_switch_left_unclosed_can_be_heard(
    site: Site, kind: str, tmp_path: Path
) -> None:
    with soundfile.SoundFile(tmp_path / "open.wav", "w", RATE, 1, subtype="PCM_16") as file:
        file.write(np.zeros(RATE * 3))
        site.files.path(SID).write_bytes((tmp_path / "open.wav").read_bytes())
    assert site.ask(f"/recordings/{SID}.{kind}").status == 409
    age(site.files.path(SID), 10)
    answer = site.ask(f"/recordings/{SID}.{kind}")
    assert answer.status == 200
    assert heard(answer.body)[0] == pytest.approx(3, abs=0.3)


def age(path: Path, seconds: float) -> None:
    mp3s.os.utime(path, (time.time() - seconds,) * 2)


# The MP3


@pytest.mark.parametrize("channels", [1, 2])
def test_an_mp3_is_made_of_the_wav_and_kept(site: Site, channels: int) -> None:
    sid = site.record(seconds=3, channels=channels)
    first, second = (site.ask(f"/recordings/{sid}.mp3") for _ in range(2))
    assert first.status == 200
    assert first.headers["Content-Type"] == "audio/mpeg"
    assert first.headers["ETag"] == second.headers["ETag"]
    seconds, found = heard(first.body)
    assert (pytest.approx(seconds, abs=0.3), found) == (3, channels)
    assert sorted(path.name for path in site.directory.iterdir()) == [f"{sid}.mp3", f"{sid}.wav"]


def test_an_mp3_is_as_old_as_its_recording(site: Site) -> None:
    sid = site.record()
    age(site.files.path(sid), 86400)
    site.ask(f"/recordings/{sid}.mp3")
    assert site.files.path(sid, "mp3").stat().st_mtime_ns == site.files.path(sid).stat().st_mtime_ns


def test_an_mp3_that_has_no_wav_is_served(site: Site) -> None:
    sid = site.record()
    site.ask(f"/recordings/{sid}.mp3")
    site.files.path(sid).unlink()
    assert site.ask(f"/recordings/{sid}.mp3").status == 200


def test_a_wav_is_made_of_an_mp3_that_has_none(site: Site) -> None:
    sid = site.record(seconds=3)
    site.ask(f"/recordings/{sid}.mp3")
    site.files.path(sid).unlink()
    answer = site.ask(f"/recordings/{sid}.wav")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "audio/wav")
    assert heard(answer.body)[0] == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize(
    ("suffixes", "kind"), [("", "wav"), (".wav.mp3", "mpeg"), (".mp3.wav", "wav"), (".wav.wav", "wav")]
)
def test_the_last_suffix_says_what_is_heard_and_without_one_it_is_what_there_is(
    site: Site, suffixes: str, kind: str
) -> None:
    """Applications written for Twilio put theirs behind RecordingUrl, which has one already."""
    sid = site.record()
    answer = site.ask(f"/recordings/{sid}{suffixes}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, f"audio/{kind}")


def test_an_mp3_from_before_the_trimming_is_made_anew(site: Site) -> None:
    tone = np.sin(np.arange(RATE) / 4) * 0.5
    soundfile.write(site.files.path(SID), np.concatenate([np.zeros(RATE * 4), tone]), RATE, subtype="PCM_16")
    assert heard(site.ask(f"/recordings/{SID}.mp3").body)[0] == pytest.approx(5, abs=0.3)
    trim_silence(site.files.path(SID))
    assert heard(site.ask(f"/recordings/{SID}.mp3").body)[0] == pytest.approx(1, abs=0.3)


def test_many_who_ask_at_once_get_one_conversion_and_never_a_part_of_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = site.record(seconds=300)
    conversions: list[Path] = []
    export = mp3s.export

    def counted(source: Path, target: Path, channels: int) -> None:
        conversions.append(source)
        export(source, target, channels)

    monkeypatch.setattr(mp3s, "export", counted)
    asking = [gevent.spawn(site.ask, f"/recordings/{sid}.mp3") for _ in range(8)]
    mp3 = site.files.path(sid, "mp3")
    wait_until(mp3.exists, "the MP3 is there", timeout=60)
    size = mp3.stat().st_size
    answers = [each.get(timeout=60) for each in asking]
    assert {(answer.status, len(answer.body)) for answer in answers} == {(200, size)}
    assert len({answer.body for answer in answers}) == 1
    assert len(conversions) == 1


def test_an_mp3_that_takes_long_is_promised_and_there_later(open_site: Callable[..., Site]) -> None:
    site = open_site(mp3_seconds=0.001)
    sid = site.record(seconds=120)
    answer = site.ask(f"/recordings/{sid}.mp3")
    assert (answer.status, answer.text) == (503, "the MP3 of this recording is being made\n")
    assert int(answer.headers["Retry-After"]) > 0
    wait_until(site.files.path(sid, "mp3").exists, "the MP3 is there", timeout=60)
    assert site.ask(f"/recordings/{sid}.mp3").status == 200


def test_a_recording_that_is_no_audio_is_reported_to_the_listener_and_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.files.path(SID).write_bytes(b"RIFF" + (100 - 8).to_bytes(4, "little") + bytes(92))
    with caplog.at_level(logging.ERROR):
        answer = site.ask(f"/recordings/{SID}.mp3")
    assert (answer.status, answer.text) == (500, "this recording cannot be given as mp3\n")
    assert [record.msg["event"] for record in caplog.records] == ["recording not served"]


@pytest.mark.parametrize("missing", [1, 400, 30_000])
def test_a_full_disk_leaves_no_broken_mp3_behind(site: Site, missing: int) -> None:
    """Symptom: an MP3 without its last moments is served for ever. Cause: libsndfile says nothing where the
    disk is full when it closes a file, and the header promises all. Fix: the end is read first.
    """
    sid = site.record(seconds=60)
    size = len(site.ask(f"/recordings/{sid}.mp3").body)
    site.files.path(sid, "mp3").unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - missing, before[1]))
        assert site.ask(f"/recordings/{sid}.mp3").status == 500
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in site.directory.iterdir()] == [f"{sid}.wav"]
    assert site.ask(f"/recordings/{sid}.mp3").status == 200


# Those who listen slowly, and those who leave


def test_listeners_who_take_nothing_of_a_huge_file_keep_nobody_waiting(site: Site) -> None:
    huge, small = site.record_hugely(500), site.record()
    listeners = [site.starts_listening(huge) for _ in range(20)]
    longest = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert site.ask(f"/recordings/{small}.wav").status == 200
        longest = max(longest, time.monotonic() - began)
    for listener in listeners:
        listener.close()
    assert longest < 5.0
    wait_until(lambda: not site.open_files(huge), "the files are closed")


def test_a_huge_file_is_served_in_flat_memory_and_the_hub_goes_on(site: Site) -> None:
    huge = site.record_hugely(500)
    turns = Turns()
    with at_most(20), turns.beside():
        listener = site.starts_listening(huge)
        site.listens(listener, 200 * 1024 * 1024)
    listener.close()
    assert len(turns.seconds) > 10
    assert statistics.median(turns.seconds) < 0.1


def test_a_listener_who_leaves_in_the_middle_is_no_error(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    huge = site.record_hugely(100)
    with caplog.at_level(logging.WARNING):
        site.starts_listening(huge).close()
        wait_until(lambda: not site.open_files(huge), "the file is closed")
    assert not caplog.records


def test_a_listener_hears_a_recording_to_the_end_while_it_is_deleted(site: Site) -> None:
    huge = site.record_hugely(30)
    listener = site.starts_listening(huge)
    site.files.path(huge).unlink()
    site.listens(listener, 30 * 1024 * 1024)
    listener.close()
