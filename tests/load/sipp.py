"""Places calls with sipp, and reads what it measured."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import gevent

from tests.lab.ports import PortRange
from tests.lab.processes import die_with_parent
from tests.load.party import Caller, rows

SCENARIO = Path(__file__).with_name("caller.xml")
SOUND = "<!-- sound -->"
# One for each caller, from here on: below every switch of these tests, and the system's ephemeral ones.
FIRST_RTP = 2000
REST_SECONDS = 40
PROVOKED = re.compile(
    r"\S+\s\S+\s\S+ Call-Id: \S+, receive timeout on message caller:\d+, jumping to label \d+"
)

# Both hung up at once: sipp takes no answer to its BYE while it is about to answer the other side's.
CROSSED = re.compile(
    r"[-\d]*\s\S+\s\S+: Aborting call on unexpected message for Call-Id '\S+': while sending \(index \d+\), "
    r"received 'SIP/2\.0 200 OK\r?\n[^']*?CSeq: \d+ BYE[^']*'"
)
AFTERWARDS = re.compile(r"[-\d]*\s\S+\s\S+: Dead call \S+ \(aborted at index \d+\), received '[^']*'")


def why_not() -> str:
    return "" if shutil.which("sipp") else "no sipp on the PATH"


class Sipp:
    """One run: the callers at `rate` a second, towards `port` on this machine.

    With `sound`, a file of G.711 (mu-law) without a head, each sends that over RTP, again and again; without,
    no media at all.
    """

    def __init__(
        self,
        callers: Sequence[Caller],
        rate: float,
        port: int,
        directory: Path,
        sound: Path | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.callers = callers
        table = directory / "callers.csv"
        table.write_text("\n".join(rows(list(callers))) + "\n")
        stay = max(caller.stay_ms for caller in callers) / 1000
        self.limit = len(callers) / rate + stay + REST_SECONDS
        scenario = SCENARIO if sound is None else _with_sound(sound, directory)
        self._ports = PortRange()
        self._process = subprocess.Popen(
            [
                *("sipp", f"127.0.0.1:{port}", "-sf", str(scenario), "-inf", str(table)),
                *("-r", f"{rate:g}", "-m", str(len(callers)), "-l", str(len(callers))),
                *("-i", "127.0.0.1", "-p", str(self._ports.take())),
                *("-mp", str(FIRST_RTP if sound else self._ports.start)),
                *("-nostdin", "-trace_err", "-error_file", "errors.log", "-trace_rtt", "-rtt_freq", "1"),
                *("-timeout", f"{self.limit:.0f}s", "-timeout_error"),
            ],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> None:
        """Until all calls are over. Raises AssertionError where one did not go as the scenario says."""
        with gevent.Timeout(self.limit + 5, AssertionError("sipp does not end")):
            code = self._process.wait()
        if code:
            errors = self.directory / "errors.log"
            text = PROVOKED.sub("", errors.read_text(errors="replace") if errors.exists() else "")
            unexpected, crossed = CROSSED.subn("", text)
            unexpected = AFTERWARDS.sub("", unexpected).replace("The following events occurred:", "")
            if not crossed or unexpected.strip():
                raise AssertionError(f"sipp ended with {code}:\n{text[:4000]}")

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._ports.release()

    def join_times(self) -> list[float]:
        """Milliseconds from each INVITE to its 200 OK."""
        return self._times("join")

    def refusal_times(self) -> list[float]:
        """Milliseconds from each INVITE that was refused to its 503."""
        return self._times("refused")

    def _times(self, of: str) -> list[float]:
        times = []
        for file in self.directory.glob("*_rtt.csv"):
            with open(file, newline="") as table:
                rows = csv.DictReader(table, delimiter=";")
                times += [float(row["response_time_ms"]) for row in rows if row["rtd_no"].strip() == of]
        return times


def _with_sound(sound: Path, directory: Path) -> Path:
    text = SCENARIO.read_text()
    assert SOUND in text
    play = f'<nop><action><exec rtp_stream="{sound},-1,0"/></action></nop>'
    scenario = directory / SCENARIO.name
    scenario.write_text(text.replace("[media_port]", "[rtpstream_audio_port]").replace(SOUND, play))
    return scenario
