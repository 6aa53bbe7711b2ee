"""The moderated conference, from the first call to the last check."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console
from rich.text import Text

from orchestrator.demo.application import Application, Callback
from orchestrator.demo.callers import Cast
from orchestrator.demo.checks import Evidence, all_checks
from orchestrator.demo.harness import Stage
from orchestrator.demo.log_view import Lines
from orchestrator.demo.phones import Switch
from orchestrator.demo.report import print_checks, print_log
from orchestrator.demo.scenario import Scenario, expected_seconds, who
from orchestrator.demo.screen import Screen
from orchestrator.demo.timeline import Timeline
from orchestrator.demo.watch import Stuck, Watch


def show_conference(console: Console, switch: Switch, where: str, cast: Cast, pace: float) -> bool:
    """Whether everything was as it should be. Raises NotReady."""
    ring_seconds = 1 if pace >= 1 else 0
    timeline = Timeline(
        f"A moderated conference on {where}",
        [(caller.name, caller.role) for caller in cast.everybody],
        expected_seconds(pace, ring_seconds),
    )
    with Stage(switch) as stage:
        application = Application(cast, stage.public_key, pace=pace, ring_seconds=ring_seconds)
        application.start()
        watch = Watch(cast, timeline, switch)
        stuck = ""
        try:
            stage.open(application.voice_url)

            def told(callback: Callback) -> None:
                timeline.told(who(cast, callback), callback)

            application.on_callback = told
            scenario = Scenario(cast, switch, application, timeline, watch, pace)
            timeline.begin()
            with _view(console, timeline):
                watch.start()
                try:
                    scenario.play()
                except Stuck as error:
                    stuck = str(error)
                timeline.end()
                watch.stop()
            leftovers = switch.leftovers()
        finally:
            watch.stop()
            for phone in watch.phones.values():
                phone.hang_up()
            stage.close()
            application.stop()
        checks = all_checks(
            Evidence(
                cast,
                application.callbacks,
                watch.heard,
                scenario.acted,
                frozenset(name for name, phone in watch.phones.items() if phone.state == "ended"),
                leftovers,
                deaf=switch.deaf,
            )
        )
        if stuck:
            console.print(Text(f"\nthe demo stopped where it was stuck: {stuck}", style="bold red"))
        print_checks(console, checks)
        passed = not stuck and all(check.passed for check in checks)
        if not passed:
            print_log(console, stage.log_tail())
        return passed


def _view(console: Console, timeline: Timeline) -> AbstractContextManager[object]:
    return Screen(console, timeline) if console.is_terminal else Lines(console, timeline)
