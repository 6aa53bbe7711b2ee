"""The moderated conference, from the first call to the last check."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console
from rich.text import Text

from orchestrator.demo.application import Application, Callback
from orchestrator.demo.callers import Callers
from orchestrator.demo.checks import Evidence, all_checks
from orchestrator.demo.harness import Harness
from orchestrator.demo.log_view import LogView
from orchestrator.demo.phones import Switch
from orchestrator.demo.report import print_checks, print_log
from orchestrator.demo.scenario import Scenario, expected_seconds, who
from orchestrator.demo.screen import Screen
from orchestrator.demo.timeline import Timeline
from orchestrator.demo.watch import PhoneMonitor, Stuck


def show_conference(
    console: Console, switch: Switch, where: str, callers: Callers, pace: float, *, keep_open: bool = False
) -> bool:
    """Whether everything was as it should be. `keep_open`: the console stays open until Ctrl-C.

    Raises NotReady.
    """
    ring_seconds = 1 if pace >= 1 else 0
    timeline = Timeline(
        f"A moderated conference on {where}",
        [(caller.name, caller.role) for caller in callers.everybody],
        expected_seconds(pace, ring_seconds),
    )
    with Harness(switch) as harness:
        application = Application(callers, harness.public_key, pace=pace, ring_seconds=ring_seconds)
        application.start()
        watch = PhoneMonitor(callers, timeline, switch)
        stuck = ""
        try:
            harness.open(application.voice_url)

            def on_callback(callback: Callback) -> None:
                timeline.add(who(callers, callback), callback)

            application.on_callback = on_callback
            if keep_open:
                harness.show_console(console)
            scenario = Scenario(callers, switch, application, timeline, watch, pace)
            timeline.begin()
            with _view(console, timeline):
                watch.start()
                try:
                    scenario.play()
                except Stuck as error:
                    stuck = str(error)
                timeline.end()
                watch.stop()
            evidence = Evidence(
                callers,
                application.callbacks,
                watch.heard,
                scenario.acted,
                frozenset(name for name, phone in watch.phones.items() if phone.state == "ended"),
                switch.leftovers(),
                deaf=switch.deaf,
            )
            passed = _report(console, harness, evidence, stuck)
            if keep_open:
                harness.wait_for_interrupt(console)
            return passed
        finally:
            watch.stop()
            for phone in watch.phones.values():
                phone.hang_up()
            harness.close()
            application.stop()


def _report(console: Console, harness: Harness, evidence: Evidence, stuck: str) -> bool:
    """Whether every check passed. `stuck`: where the demo stopped."""
    checks = all_checks(evidence)
    if stuck:
        console.print(Text(f"\nthe demo stopped where it was stuck: {stuck}", style="bold red"))
    print_checks(console, checks)
    passed = not stuck and all(check.passed for check in checks)
    if not passed:
        print_log(console, harness.log_tail())
    return passed


def _view(console: Console, timeline: Timeline) -> AbstractContextManager[object]:
    return Screen(console, timeline) if console.is_terminal else LogView(console, timeline)
