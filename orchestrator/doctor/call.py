"""One call through the loopback endpoint: our dialplan, both shared directories, a conference."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import gevent

from orchestrator.doctor.context import DoctorContext, await_event
from orchestrator.doctor.result import CheckResult, note, ok, skipped, wrong
from orchestrator.esl import commands
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.leg import Leg
from orchestrator.esl.snapshot import DOCTOR, DOCTOR_NUMBER, GUARD
from orchestrator.fsconfig.conference_profiles import room_profile
from orchestrator.fsconfig.sip_profiles import CONTEXT

MODULE = "mod_loopback"
WAIT_SECONDS = 10.0
CHECKS = ("call", "recordings_dir", "media_dir", "conference")
_WAV_HEADER_BYTES = 44
_FREE_BYTES = 20_000_000  # twenty minutes of one room at 8 kHz


def call(context: DoctorContext) -> Iterator[CheckResult]:
    if context.api(f"module_exists {MODULE}").strip() != "true":
        for check in CHECKS:
            yield skipped(check, f"a call for a test needs {MODULE}: fs_cli -x 'load {MODULE}'")
        return
    placed: list[str] = []
    try:
        leg = _place(context, placed)
        if isinstance(leg, CheckResult):
            yield leg
            yield from (skipped(check, "there is no call") for check in CHECKS[1:])
            return
        yield ok("call", f"a call came through the context {CONTEXT} and was answered")
        checks: tuple[Callable[[DoctorContext, Leg], CheckResult], ...] = (recordings, media, conference)
        for part, look in zip(CHECKS[1:], checks, strict=True):
            # FreeSWITCH hangs up on who records into a file that it cannot open.
            again = _place(context, placed) if leg.gone else leg
            if isinstance(again, CheckResult):
                yield skipped(part, "there is no second call")
            else:
                leg = again
                yield look(context, leg)
    finally:
        for uuid in [*placed, *(leg.uuid for leg in context.legs)]:
            context.connection.post(commands.kill(uuid))


def _place(context: DoctorContext, placed: list[str]) -> Leg | CheckResult:
    """The far leg of a pair, parked by our dialplan and answered as a call from outside is; the near one is
    added to `placed`."""
    near = str(uuid4())
    placed.append(near)
    mark = f"variable_{DOCTOR}"
    parked = context.expect(lambda event: event.name == "CHANNEL_PARK" and near.encode() in event.raw)
    variables = {"origination_uuid": near, "loopback_bowout": "false", DOCTOR: near}
    variables |= {"origination_caller_id_number": DOCTOR_NUMBER, **_from(context)}
    dial = commands.dial_string([commands.DialTarget(f"loopback/{DOCTOR_NUMBER}/{CONTEXT}")], variables)
    job = gevent.spawn(
        context.job, commands.originate(dial, "playback", "silence_stream://-1"), 3 * WAIT_SECONDS
    )
    remedy = (
        "see `dialplan` above, and FreeSWITCH's log; are sip.networks and trunks those that were rendered?"
    )
    try:
        event = await_event(parked, WAIT_SECONDS)
    except gevent.Timeout:
        return wrong(
            "call", f"no call came to be parked within {WAIT_SECONDS:g} s: {job.value or ''}", remedy
        )
    headers = event.headers()
    leg = context.legs.adopt(event.uuid, headers)
    if headers.get(mark) != near or headers.get(GUARD) != "1":
        return wrong("call", "it was parked without the guard variables", remedy)
    try:
        context.connection.api(commands.api("sched_del", leg.uuid))
        leg.execute("answer", timeout=WAIT_SECONDS)
    except SwitchError as error:
        return wrong("call", f"it ended before it was answered: {error}", remedy)
    return leg


def _from(context: DoctorContext) -> dict[str, str]:
    """The address of somebody who may call: the dialplan looks at it, and a loopback leg has none."""
    networks = [network for several in context.settings.callers().values() for network in several]
    return {"network_addr": str(networks[0].network_address)} if networks else {}


def recordings(context: DoctorContext, leg: Leg) -> CheckResult:
    """FreeSWITCH records, we read, move and delete; its own view of what we wrote."""
    node = context.node
    path = node.recordings_dir / f"doctor-{leg.uuid}.wav"
    moved = path.with_suffix(".moved.wav")
    here, there = str(node.recordings_dir), str(node.path_on_freeswitch(path).parent)
    try:
        node.recordings_dir.mkdir(parents=True, exist_ok=True)
        # On a full disk FreeSWITCH hangs the caller up, and says nothing of a disk.
        free = shutil.disk_usage(node.recordings_dir).free
        if free < _FREE_BYTES:
            text = f"the disk of {here} has {free // 1_000_000} MB left: recordings end early, or are none"
            return wrong("recordings_dir", text, "make room, or give recordings a disk of their own")
        done = leg.execute("record", f"{node.path_on_freeswitch(path)} 1", timeout=WAIT_SECONDS)
        answer = done.header("Application-Response") or "no answer"
        if not path.exists():
            return wrong(
                "recordings_dir",
                f"FreeSWITCH recorded into {there}, and nothing came to be in {here} ({answer})",
                "FreeSWITCH's user has to be allowed to write there, and both paths have to be the same "
                "directory: recordings_dir_on_freeswitch is FreeSWITCH's name for it",
            )
        if path.stat().st_size <= _WAV_HEADER_BYTES or not path.read_bytes().startswith(b"RIFF"):
            return wrong("recordings_dir", f"{path} has no sound in it", "see FreeSWITCH's log")
        # Trimming and MP3 make a new file and put it in the place of the old one.
        path.rename(moved)
    except OSError as error:
        return wrong(
            "recordings_dir",
            f"{error.filename}: {error.strerror}",
            "the orchestrator's user has to be allowed to read and write what FreeSWITCH recorded: the same "
            "user, or a group that owns the directory with the setgid bit, and umask 002 for FreeSWITCH",
        )
    except SwitchError as error:
        return wrong("recordings_dir", f"recording failed: {error}", "see FreeSWITCH's log")
    finally:
        _delete(path)
        _delete(moved)
    return ok("recordings_dir", f"FreeSWITCH records into {there}, and we can read and change it")


def media(context: DoctorContext, leg: Leg) -> CheckResult:
    """We write, FreeSWITCH plays."""
    node = context.node
    path = node.media_dir / f"doctor-{leg.uuid}.wav"
    there = node.path_on_freeswitch(path)
    try:
        node.media_dir.mkdir(parents=True, exist_ok=True)
        _write_silence(path)
        answer = leg.execute("playback", str(there), timeout=WAIT_SECONDS).header("Application-Response")
    except OSError as error:
        remedy = "the orchestrator's user has to be allowed to write there"
        return wrong("media_dir", f"{error.filename}: {error.strerror}", remedy)
    except SwitchError as error:
        return wrong("media_dir", f"playing failed: {error}", "see FreeSWITCH's log")
    finally:
        _delete(path)
    if answer != "FILE PLAYED":
        return wrong(
            "media_dir",
            f"FreeSWITCH cannot play what we wrote into {node.media_dir}: {answer}",
            "FreeSWITCH's user has to be allowed to read there, and both paths have to be the same "
            "directory: media_dir_on_freeswitch is FreeSWITCH's name for it",
        )
    return ok("media_dir", f"FreeSWITCH plays what we write into {node.media_dir}")


def conference(context: DoctorContext, leg: Leg) -> CheckResult:
    name = f"doctor-{leg.uuid}"
    entered = context.expect(lambda event: event.conference == name and event.action == "add-member")
    ended = context.expect(lambda event: event.conference == name and event.action == "conference-destroy")
    remedy = "see `modules` and `profiles` above, and FreeSWITCH's log"
    profile = room_profile(next(iter(context.settings.profiles)), "none")
    try:
        leg.start("conference", f"{name}@{profile}")
        await_event(entered, WAIT_SECONDS)
    except gevent.Timeout:
        return wrong("conference", f"the call was not in a conference within {WAIT_SECONDS:g} s", remedy)
    except SwitchError as error:
        return wrong("conference", f"the call did not come into a conference: {error}", remedy)
    try:
        context.connection.api(commands.kill(leg.uuid))
        await_event(ended, WAIT_SECONDS)
    except (gevent.Timeout, SwitchError):
        return note("conference", "the call came into a conference, but that did not end with it", remedy)
    return ok("conference", "the call came into a conference and out again")


def _write_silence(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 800))


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # A directory that is not writable for us was already reported.
        return
