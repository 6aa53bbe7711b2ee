"""Measures the orchestrator, as a process of its own, on a real FreeSWITCH under calls from sipp.

    python -m tests.load.measure [--rate 20] [--calls 200] [--rooms 20] [--stay 8000] [--profile py-spy]

As many calls again go to an extension of the dialplan that runs `conference` itself: what the same machine
does in the same seconds without an orchestrator. Prints the medians from INVITE to 200 OK of both, and the
processor time of each process.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections import Counter  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
import requests  # noqa: E402

from tests.lab.processes import die_with_parent  # noqa: E402
from tests.lab.switches import PASSWORD, FreeSwitch  # noqa: E402
from tests.lab.web import Answer, Application  # noqa: E402
from tests.load.party import Caller, erratic_party, plain_party  # noqa: E402
from tests.load.sipp import Sipp  # noqa: E402

DIRECT = "direct"
EXTENSION = f"""<extension name="{DIRECT}">
      <condition field="destination_number" expression="^{DIRECT}\\+(.+)$">
        <action application="conference" data="$1@texml.default"/>
      </condition>
    </extension>
    """
SETTINGS = """
freeswitch:
  nodes:
    - {{host: 127.0.0.1, port: {port}, password: {password}, recordings_dir: {there}, media_dir: {there}}}
accounts: [{{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10, name: main}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"}}
callbacks: {{database: {database}}}
intake: {{{intake}}}
logging: {{level: warning}}
"""
START_SECONDS = 60.0
TICK = os.sysconf("SC_CLK_TCK")


class BusySwitch(FreeSwitch):
    """Without softphones, and with room for thousands of calls."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        super().__init__(directory)
        self.phones.start = lambda callers=0: None  # type: ignore[method-assign]
        self.phones.stop = self.phones.switch_died = lambda: None  # type: ignore[method-assign]

    def start(self, timeout: float = 30.0) -> None:
        dialplan = self.conf_dir / "dialplan" / "texml.xml"
        text = dialplan.read_text()
        if EXTENSION not in text:
            dialplan.write_text(text.replace("<extension ", EXTENSION + "<extension ", 1))
        super().start(timeout)

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {
            "FS_SESSIONS_PER_SECOND": "2000",
            "FS_MAX_SESSIONS": "4000",
            "FS_RTP_PORT_START": "10002",
            "FS_RTP_PORT_END": "19000",
        }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=20, help="calls a second through the orchestrator")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--stay", type=int, default=8000, metavar="MS")
    parser.add_argument("--alone", action="store_true", help="no calls past the orchestrator")
    parser.add_argument("--erratic", type=int, metavar="MS", help="callers hang up at any moment within it")
    parser.add_argument("--slow", type=float, default=0, metavar="S", help="how late the receiver answers")
    parser.add_argument("--beep", default="true")
    parser.add_argument(
        "--intake", default="", metavar="YAML", help='e.g. "max_entering: 50, max_calls: 200"'
    )
    parser.add_argument("--profile", metavar="PY-SPY", help="sample the orchestrator with this program")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="as FreeSWITCH runs, which as root takes the processors before all others (SCHED_FIFO)",
    )
    arguments = parser.parse_args()
    if arguments.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))
    directory = Path(tempfile.mkdtemp(prefix="load-"))
    try:
        return measure(arguments, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(arguments: argparse.Namespace, directory: Path) -> int:
    switch, application = BusySwitch(directory / "switch"), Application()
    application.start()
    orchestrator = None
    runs: list[Sipp] = []
    try:
        switch.open()
        switch.begin()
        _serve(application, arguments)
        orchestrator = _orchestrator(arguments, switch, application, directory)
        callers = _callers(arguments)
        processes = {"orchestrator": orchestrator.pid, "FreeSWITCH": switch.pid}
        before = {name: _seconds(pid) for name, pid in processes.items()}
        sampler = _sampler(arguments, orchestrator.pid, len(callers) / arguments.rate)
        began = time.monotonic()
        runs.append(Sipp(callers, arguments.rate, switch.sip_port, directory / "through"))
        if not arguments.alone:
            past = plain_party(arguments.rooms, arguments.calls, arguments.stay, DIRECT)
            runs.append(Sipp(past, arguments.rate, switch.sip_port, directory / "past"))
        for run in runs:
            try:
                run.wait()
            except AssertionError as error:
                print(str(error)[:2000])
        placed = time.monotonic() - began
        left = switch.leftovers(15)
        _wait_for_silence(application)
        spent = {name: _seconds(pid) - before[name] for name, pid in processes.items()}
        if sampler is not None:
            sampler.wait()
        for name, run in zip(("through the orchestrator", "past it"), runs, strict=False):
            _print_times(f"to 200 OK {name}", run.join_times())
            _print_times(f"to 503 {name}", run.refusal_times())
        waited = _waited(orchestrator.pid)
        print(f"the orchestrator's main thread waited {waited:.1f} s for a processor")
        for name, seconds in spent.items():
            share = seconds / placed * 100
            print(
                f"{name}: {seconds:.2f} s of processor in {placed:.1f} s ({share:.0f} % of one), "
                f"{seconds / len(callers) * 1000:.1f} ms a call, {_megabytes(processes[name]):.0f} MB"
            )
        told = Counter(request.fields["StatusCallbackEvent"] for request in application.to("/events"))
        print("told:", dict(told), "left on the switch:", left, "its errors:", switch.log_errors()[:5])
        return 0
    finally:
        for run in runs:
            run.close()
        if orchestrator is not None:
            orchestrator.send_signal(signal.SIGTERM)
            orchestrator.wait()
            print("the orchestrator's log:", (directory / "log").read_text()[:3000] or "empty")
        switch.close()
        application.stop()


def _callers(arguments: argparse.Namespace) -> list[Caller]:
    if arguments.erratic:
        return erratic_party(arguments.rooms, arguments.calls, arguments.erratic)
    return plain_party(arguments.rooms, arguments.calls, arguments.stay)


def _serve(application: Application, arguments: argparse.Namespace) -> None:
    application.route("/events", Answer(status=204, delay=arguments.slow))
    events = application.url("/events")
    noun = f'beep="{arguments.beep}" statusCallback="{events}" statusCallbackEvent="start end join leave"'
    application.route(
        "/voice",
        lambda request: (
            f"<Response><Dial><Conference {noun}>{request.fields['To']}</Conference></Dial></Response>"
        ),
    )


def _orchestrator(
    arguments: argparse.Namespace, switch: FreeSwitch, application: Application, directory: Path
) -> subprocess.Popen[bytes]:
    file = directory / "orchestrator.yaml"
    file.write_text(
        SETTINGS.format(
            port=switch.port,
            password=PASSWORD,
            there=directory / "media",
            voice=application.url("/voice"),
            database=directory / "orchestrator.sqlite",
            intake=arguments.intake,
            web=(web := switch._media_ports.take()),
        )
    )
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "run", "-c", str(file)],
            stderr=log,
            preexec_fn=die_with_parent,
        )
    with gevent.Timeout(START_SECONDS):
        while not _ready(web):
            assert process.poll() is None, (directory / "log").read_text()
            gevent.sleep(0.1)
    return process


def _ready(port: int) -> bool:
    """Calls that come before it is connected are nobody's."""
    try:
        return bool(requests.get(f"http://127.0.0.1:{port}/readyz", timeout=1).ok)
    except requests.RequestException:
        return False


def _sampler(arguments: argparse.Namespace, pid: int, seconds: float) -> subprocess.Popen[bytes] | None:
    if not arguments.profile:
        return None
    out = Path("/tmp") / f"orchestrator-{pid}.profile"
    print("profile:", out)
    return subprocess.Popen(
        [arguments.profile, "record", "-p", str(pid), "-d", f"{seconds:.0f}", "-f", "raw", "-o", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )


def _wait_for_silence(application: Application, seconds: float = 2.0, limit: float = 30.0) -> None:
    """Until no callback has come for `seconds`."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and application.requests:
        if time.monotonic() - application.requests[-1].at > seconds:
            return
        gevent.sleep(0.1)


def _print_times(name: str, times: list[float]) -> None:
    times.sort()
    if times:
        print(
            f"INVITE {name}: median {statistics.median(times):.0f} ms, "
            f"95 % {times[int(len(times) * 0.95)]:.0f} ms, longest {times[-1]:.0f} ms, {len(times)} calls"
        )


def _seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _waited(pid: int) -> float:
    """Seconds for which it could have run and others did: a busy machine, not a slow program."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def _megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
