"""The emulator as a switch for tests; its phones with the manners of real ones, as far as it can hear."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.emulator import Behaviour as EmulatedBehaviour
from orchestrator.emulator import EmulatedSwitch
from tests.lab.emulated_phone import ObservedPhone
from tests.lab.phone import Answers, Behaviour, NeverAnswers, Rejects, Target
from tests.lab.switches import Switch


class Handset:
    """An ObservedPhone by the names of a real one. It hears what plays, without levels or noise."""

    def __init__(self, phone: ObservedPhone) -> None:
        self.phone = phone
        self.cancel = phone.hang_up

    def __getattr__(self, name: str) -> Any:
        return getattr(self.phone, name)

    def __repr__(self) -> str:
        return f"<Phone {self.caller} -> {self.number} {self.state} {self.sip_status or ''}>"

    @property
    def digits(self) -> str:
        return self.phone.received_digits

    def press(self, digits: str, ms: int = 160) -> None:
        """Sends keys; they take the emulator no time."""
        self.phone.press(digits)

    def sounds(self, hz: float | None, level_db: float = 0.0) -> None:
        self.phone.sounds(hz)

    def wait_hears(self, hz: float, timeout: float = 10.0, *, since: float | None = None) -> float:
        """Its beginning; `since`: one that was heard before may do."""
        if since is not None and (found := self.phone.heard(hz, since=since)):
            return found[0].start
        return self.phone.wait_hears(hz, timeout)


class Handsets:
    """The phones around one emulated switch."""

    def __init__(self, switch: EmulatedSwitch) -> None:
        self.switch = switch
        self.handsets: list[Handset] = []
        self.targets: dict[str, Target] = {}
        switch.on_dial = self._called

    def add(self, phone: ObservedPhone) -> Handset:
        handset = Handset(phone)
        self.handsets.append(handset)
        return handset

    def register(self, number: str, behaviour: Behaviour) -> Target:
        match behaviour:
            case Answers(after, hz, early):
                does = EmulatedBehaviour(answers_after=after, sounds=hz, early_media=early)
            case Rejects(code, after, hz, early):
                does = EmulatedBehaviour(answers_after=after, rejects=code, sounds=hz, early_media=early)
            case NeverAnswers(hz, early):
                does = EmulatedBehaviour(answers_after=None, sounds=hz, early_media=early)
        self.switch.register(number, does)
        target = self.targets[number] = Target(number)
        return target

    def hang_up_all(self) -> None:
        for handset in self.handsets:
            if handset.state != "ended":
                handset.hang_up()

    def _called(self, phone: ObservedPhone) -> None:
        handset = self.add(phone)
        if target := self.targets.get(phone.number):
            target.came(handset)


class Emulator(Switch):
    """The project's emulator and its phones. Nothing of it stays from one test to the next."""

    kind = "emulator"
    phones_address = "127.0.0.1:5060"  # no port is open there; the emulator knows its phones by number

    def __init__(self, directory: Path) -> None:
        self.media_dir = directory / "media"
        self.recordings_dir = directory / "recordings"
        self.media_dir.mkdir(parents=True, exist_ok=True)
        self.recordings_dir.mkdir(parents=True, exist_ok=True)
        self.emulated = EmulatedSwitch(self.host, 0, self.password, phone_type=ObservedPhone)
        self.handsets = Handsets(self.emulated)
        self._running = False

    @property
    def port(self) -> int:
        return self.emulated.port

    @property
    def running(self) -> bool:
        return self._running

    def start(self) -> None:
        self.emulated.start()
        self._running = True

    def stop(self) -> None:
        self.emulated.stop()
        self._running = False

    def kill(self) -> None:
        self.emulated.kill()
        self._running = False

    def begin(self) -> None:
        if not self.running:
            self.start()

    def hang_up_all(self) -> None:
        self.handsets.hang_up_all()

    def force_clean(self) -> None:
        self.restart()

    def call(
        self,
        to: str,
        *,
        from_: str = "+13125550001",
        name: str = "",
        headers: Mapping[str, str] | None = None,
        sounds: float | None = None,
    ) -> Handset:
        phone = self.emulated.call(to, from_=from_, name=name, headers=headers, sounds=sounds)
        return self.handsets.add(phone)

    def register(self, number: str, behaviour: Behaviour | None = None) -> Target:
        return self.handsets.register(number, behaviour or Answers())

    def log_errors(self) -> list[str]:
        return []
