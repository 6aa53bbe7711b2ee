"""Fetched and recorded audio: each form, each limit, and nothing left behind."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from orchestrator.media import generated_audio
from orchestrator.media.audio import AudioError, convert, export, in_thread, seconds_of, write_wav
from orchestrator.media.audio_cache import AudioCache
from orchestrator.media.text_to_speech import CommandSpeech, SpeechError
from orchestrator.media.trim import BLOCK_WINDOWS, trim_silence
from orchestrator.recordings.files import RecordingFiles, is_sid
from orchestrator.recordings.mp3 import Converter, NotYet, is_fresh

RATE = 8000


def tone(seconds: float, hz: float = 440.0, rate: int = RATE) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def audio(
    seconds: float = 0.5, channels: int = 1, rate: int = RATE, form: str = "WAV", subtype: str | None = None
) -> io.BytesIO:
    out = io.BytesIO()
    samples = np.column_stack([tone(seconds, rate=rate) / (number + 1) for number in range(channels)])
    soundfile.write(out, samples, rate, format=form, subtype=subtype)
    out.seek(0)
    return out


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "ULAW"),
        *((form, None) for form in ("RF64", "AIFF", "FLAC", "OGG", "AU", "MP3")),
    ],
)
def test_every_form_that_web_servers_have_becomes_16_bit_mono(
    tmp_path: Path, form: str, subtype: str | None
) -> None:
    target = tmp_path / "target.wav"
    rate = 16000 if form == "MP3" else RATE
    seconds = convert(audio(2.0, 2, rate, form, subtype), target, 10.0)
    found = soundfile.info(str(target))
    assert (found.channels, found.samplerate, found.subtype, found.format) == (1, rate, "PCM_16", "WAV")
    assert abs(seconds - 2.0) < 0.1
    assert abs(seconds_of(target) - seconds) < 0.001
    assert os.listdir(tmp_path) == ["target.wav"]


def test_the_channels_are_mixed_evenly(tmp_path: Path) -> None:
    target = tmp_path / "target.wav"
    convert(audio(0.5, 2), target, 10.0)
    samples, _ = soundfile.read(str(target))
    assert np.abs(samples - tone(0.5) * 0.75).max() < 0.001


@pytest.mark.parametrize(
    ("channels", "rate", "taken"),
    [
        (8, RATE, True),
        (9, RATE, False),
        (1, 1000, True),
        (1, 999, False),
        (1, 192000, True),
        (1, 192001, False),
    ],
)
def test_channels_and_rate_have_limits(tmp_path: Path, channels: int, rate: int, taken: bool) -> None:
    target = tmp_path / "target.wav"
    source = audio(0.5, channels, rate)
    if taken:
        assert convert(source, target, 10.0) == pytest.approx(0.5)
    else:
        with pytest.raises(AudioError, match="are the most" if channels > 8 else "are usual"):
            convert(source, target, 10.0)
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("frames", "taken"), [(RATE, True), (RATE + 1, False)])
def test_it_may_be_as_long_as_it_may_be(tmp_path: Path, frames: int, taken: bool) -> None:
    target = tmp_path / "target.wav"
    source = audio(frames / RATE)
    if taken:
        assert convert(source, target, 1.0) == 1.0
    else:
        with pytest.raises(AudioError, match="longer than 1 s"):
            convert(source, target, 1.0)
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "neither WAV nor"),
        (b"\xff", "neither WAV nor"),
        (b"\xff\x1f\x00\x00", "neither WAV nor"),
        (b"<html>", "neither WAV nor"),
        (b"RIFF", "not audio that can be read"),
        (b"ID3 and nothing else", "not audio that can be read"),
        (audio(0.0).getvalue(), "no sound in it"),
    ],
)
def test_a_file_that_is_no_audio_is_reported_and_leaves_nothing(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(AudioError, match=problem):
        convert(io.BytesIO(content), tmp_path / "target.wav", 10.0)
    assert os.listdir(tmp_path) == []


def test_a_source_that_was_read_before_is_read_from_its_beginning(tmp_path: Path) -> None:
    source = audio(0.5)
    source.read(20)
    assert convert(source, tmp_path / "target.wav", 10.0) == 0.5


@pytest.mark.parametrize("kind", ["wav", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("of", [1, 2])
def test_a_recording_is_written_in_the_form_that_is_asked_for(
    tmp_path: Path, kind: str, channels: int, of: int
) -> None:
    source, target = tmp_path / "source.wav", tmp_path / f"target.{kind}"
    source.write_bytes(audio(1.0, of).getvalue())
    export(source, target, channels)
    samples, rate = soundfile.read(str(target), always_2d=True)
    assert (samples.shape[1], rate) == (channels, RATE)
    assert np.sqrt(np.mean(np.square(samples[:, 0]))) > 0.1
    if channels == 2:
        assert bool(np.sqrt(np.mean(np.square(samples[:, 1]))) > 0.05) is (of == 2)
    assert sorted(os.listdir(tmp_path)) == ["source.wav", f"target.{kind}"]


def test_a_failed_export_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source.wav"
    source.write_bytes(b"nothing")
    with pytest.raises(AudioError, match=r"source\.wav cannot be written as MP3"):
        export(source, tmp_path / "target.mp3", 1)
    with pytest.raises(AudioError, match=r"source\.wav"):
        seconds_of(source)
    assert os.listdir(tmp_path) == ["source.wav"]


def test_an_error_raised_in_a_thread_is_raised() -> None:
    assert in_thread(max, 1, 2) == 2
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 / 0)


def test_a_beep_is_a_tone_of_its_length_without_a_click() -> None:
    samples = generated_audio.beep(880, 200)
    assert len(samples) == RATE * 200 // 1000
    assert samples[0] == pytest.approx(0.0, abs=1e-6)
    assert samples[-1] == pytest.approx(0.0, abs=1e-6)
    assert 0.24 < np.abs(samples).max() <= 0.25
    spectrum = np.abs(np.fft.rfft(samples))
    assert abs(np.argmax(spectrum) * RATE / len(samples) - 880) < 10
    # Full after 5 ms, on both sides.
    assert np.abs(samples[40:60]).max() > 0.24
    assert np.abs(samples[-60:-40]).max() > 0.24
    assert np.abs(samples[:10]).max() < 0.07


def test_the_music_is_sixteen_seconds_of_four_chords_that_can_be_looped() -> None:
    samples = generated_audio.hold_music()
    beat = RATE // 2
    assert len(samples) == 16 * RATE
    assert np.abs(samples).max() == pytest.approx(0.18)
    notes = [chord[step] for chord in generated_audio.CHORDS for step in generated_audio.PATTERN]
    assert len(notes) == 32
    for number, hz in enumerate(notes):
        heard = samples[number * beat : (number + 1) * beat]
        # Of a note struck now; what was struck before rings on.
        spectrum = np.abs(np.fft.rfft(heard, 4 * len(heard)))
        at = round(hz * 4 * len(heard) / RATE)
        assert spectrum[at - 3 : at + 4].max() > 0.25 * spectrum.max(), (number, hz)
    # Each has its octave in it, and nothing between the two.
    spectrum = np.abs(np.fft.rfft(samples[:beat], 4 * beat))

    def level(hz: float) -> float:
        at = round(hz * 4 * beat / RATE)
        return float(spectrum[at - 3 : at + 4].max())

    assert level(2 * notes[0]) > 3 * level(2.5 * notes[0])
    twice = np.concatenate([samples, samples])
    steps = np.abs(np.diff(twice))
    assert steps[len(samples) - 1] <= steps.max() * 0.5
    # The last notes ring into the first beat.
    assert np.abs(samples[:8]).max() > 0.001


def silent_ends(path: Path, lead: float, voice: float, trail: float) -> None:
    parts = [np.zeros(round(lead * RATE)), tone(voice), np.zeros(round(trail * RATE))]
    soundfile.write(str(path), np.concatenate(parts), RATE, subtype="PCM_16")


BLOCK_SECONDS = BLOCK_WINDOWS * 0.01


@pytest.mark.parametrize(
    ("lead", "voice", "trail"),
    [
        (0.0, 1.0, 0.0),
        (0.5, 1.0, 0.0),
        (0.0, 1.0, 0.5),
        (0.503, 1.0, 0.507),
        (BLOCK_SECONDS + 1.0, 1.0, 0.5),
        (0.5, BLOCK_SECONDS + 1.0, 0.5),
        (0.0, 0.01, 0.0),
    ],
)
def test_silent_ends_of_any_length_are_cut(tmp_path: Path, lead: float, voice: float, trail: float) -> None:
    path = tmp_path / "recording.wav"
    silent_ends(path, lead, voice, trail)
    seconds = trim_silence(path)
    assert seconds == seconds_of(path)
    assert abs(seconds - voice) <= 0.0101
    samples, _ = soundfile.read(str(path))
    first = round(lead * RATE) - int(lead * 100) * 80
    assert np.abs(samples[first : first + 400] - tone(voice)[:400][: len(samples) - first]).max() < 0.001
    assert os.listdir(tmp_path) == ["recording.wav"]


def test_a_silent_file_stays_and_has_no_seconds(tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    silent_ends(path, 1.0, 0.0, 0.0)
    before = path.read_bytes()
    assert trim_silence(path) == 0.0
    assert path.read_bytes() == before


@pytest.mark.parametrize(("db", "sound"), [(-44.5, True), (-45.5, False)])
def test_sound_is_what_is_louder_than_a_quiet_line(tmp_path: Path, db: float, sound: bool) -> None:
    path = tmp_path / "recording.wav"
    samples = tone(1.0) / 0.3 * np.sqrt(2) * 10 ** (db / 20)
    soundfile.write(str(path), np.column_stack([samples, samples]), RATE, subtype="PCM_16")
    assert bool(trim_silence(path)) is sound


@pytest.fixture
def audio_cache(tmp_path: Path) -> AudioCache:
    return AudioCache(tmp_path / "media", lambda path: Path("/there") / path.name, 10.0)


def test_audio_kept_twice_is_one_file_and_one_sound(audio_cache: AudioCache) -> None:
    content = audio(0.5).getvalue()
    source = io.BytesIO(content)
    source.read(20)
    first, second = audio_cache.keep(content), audio_cache.keep(source)
    assert first is second
    assert first.seconds == 0.5
    (name,) = os.listdir(audio_cache.directory)
    assert first.path == f"/there/{name}"
    assert audio_cache.keep(audio(0.6).getvalue()).path != first.path


def test_generated_audio_is_made_once_and_again_when_it_is_gone(audio_cache: AudioCache) -> None:
    made = []

    def make(path: Path) -> None:
        made.append(path.name)
        write_wav(path, tone(0.25), RATE)

    sound = audio_cache.made("own", make)
    assert audio_cache.made("own", make) is sound
    assert (sound.path, sound.seconds, made) == ("/there/own.wav", 0.25, ["own.wav"])
    (audio_cache.directory / "own.wav").unlink()
    audio_cache.made("own", make)
    assert made == ["own.wav", "own.wav"]
    beep, music = audio_cache.beep(880, 200), audio_cache.hold_music()
    assert (beep.path, beep.seconds) == ("/there/beep-880-200.wav", 0.2)
    assert (music.path, music.seconds) == ("/there/hold-music.wav", 16.0)


def test_only_audio_that_nobody_holds_is_deleted_and_counted(audio_cache: AudioCache) -> None:
    held = audio_cache.keep(audio(0.5).getvalue())
    audio_cache.keep(audio(0.6).getvalue())
    names = os.listdir(audio_cache.directory)
    assert audio_cache.delete(names) == 1
    assert os.listdir(audio_cache.directory) == [Path(held.path).name]


def test_audio_that_is_held_is_used_now(audio_cache: AudioCache) -> None:
    held = audio_cache.keep(audio(0.5).getvalue())
    path = audio_cache.directory / Path(held.path).name
    os.utime(path, (1.0, 1.0))
    audio_cache.note_use()
    assert path.stat().st_mtime > 1.0


def test_an_mp3_is_fresh_as_long_as_it_is_no_older_than_its_wav(tmp_path: Path) -> None:
    wav, mp3 = tmp_path / "one.wav", tmp_path / "one.mp3"
    assert not is_fresh(wav, mp3)
    mp3.touch()
    assert is_fresh(wav, mp3)
    wav.touch()
    for made, of, fresh in ((5.0, 5.0, True), (4.0, 5.0, False), (6.0, 5.0, True)):
        os.utime(mp3, (made, made))
        os.utime(wav, (of, of))
        assert is_fresh(wav, mp3) is fresh


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_another_form_is_made_of_at_most_two_channels_as_old_as_its_source(
    tmp_path: Path, channels: int
) -> None:
    source, target = tmp_path / "one.wav", tmp_path / "one.mp3"
    source.write_bytes(audio(1.0, channels).getvalue())
    os.utime(source, (7.0, 7.0))
    Converter().make(source, target, 10.0)
    assert soundfile.info(str(target)).channels == min(2, channels)
    assert target.stat().st_mtime == 7.0
    assert sorted(os.listdir(tmp_path)) == ["one.mp3", "one.wav"]
    source.write_bytes(b"nothing")
    with pytest.raises(AudioError, match=r"one\.wav"):
        Converter().make(source, target, 10.0)


def test_a_form_that_takes_too_long_is_there_later(tmp_path: Path) -> None:
    source, target = tmp_path / "one.wav", tmp_path / "one.mp3"
    source.write_bytes(audio(5.0).getvalue())
    converter = Converter()
    with pytest.raises(NotYet, match=r"one\.mp3"):
        converter.make(source, target, 0.0)
    converter.make(source, target, 20.0)
    assert target.exists()


def test_a_recording_has_one_place_and_one_address(tmp_path: Path) -> None:
    sid = "0b7f3c5e-7c1d-4a60-9d1c-0f3a6f1f0a11"
    files = RecordingFiles(tmp_path, lambda path: Path("/there") / path.name, lambda: "http://h")
    assert files.path(sid) == tmp_path / f"{sid}.wav"
    assert files.path(sid, "mp3") == tmp_path / f"{sid}.mp3"
    assert files.freeswitch_path(sid) == f"/there/{sid}.wav"
    assert (files.url(sid), files.url(sid, "mp3")) == (
        f"http://h/recordings/{sid}.wav",
        f"http://h/recordings/{sid}.mp3",
    )
    assert is_sid(sid)
    for other in ("", sid.upper(), sid + "\n", f"x{sid}", sid[:-1]):
        assert not is_sid(other)


def engine(directory: Path, code: str) -> Path:
    script = directory / "engine.py"
    script.write_text(f"#!{sys.executable}\nimport sys, shutil\n{code}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def test_a_text_is_spoken_by_the_command_once_in_each_voice(tmp_path: Path, audio_cache: AudioCache) -> None:
    said, ready = tmp_path / "said", tmp_path / "ready.wav"
    ready.write_bytes(audio(0.5).getvalue())
    script = engine(
        tmp_path,
        f"open({str(said)!r}, 'a').write(open(sys.argv[1]).read() + '|' + sys.argv[3] + ';')\n"
        f"shutil.copy({str(ready)!r}, sys.argv[2])",
    )
    speech = CommandSpeech(audio_cache, [str(script), "{text_file}", "{out}", "v-{voice}"], 10.0)
    first = speech.sound("Grüße, {out}", "anna")
    assert speech.sound("Grüße, {out}", "anna") is first
    others = [speech.sound("Grüße, {out}", "bert"), speech.sound("Grüße", "anna")]
    assert len({sound.path for sound in (first, *others)}) == 3
    assert said.read_text() == "Grüße, {out}|v-anna;Grüße, {out}|v-bert;Grüße|v-anna;"
    assert first.seconds == 0.5
    assert all(name.endswith(".wav") for name in os.listdir(audio_cache.directory))


@pytest.mark.parametrize(
    "code",
    ["sys.exit(3)", "import time; time.sleep(60)", "pass", "open(sys.argv[2], 'w').write('no audio')"],
)
def test_an_engine_that_fails_takes_too_long_or_says_nothing_is_named(
    tmp_path: Path, audio_cache: AudioCache, code: str
) -> None:
    script = engine(tmp_path, code)
    speech = CommandSpeech(audio_cache, [str(script), "{text_file}", "{out}"], 1.0)
    with pytest.raises(SpeechError, match=r"engine\.py"):
        speech.sound("a text", "anna")
