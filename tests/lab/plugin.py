"""The pytest plugin: fixtures `switch` and `application`, --switch, and a closing line on what took part."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from orchestrator.logs import formatter
from tests.lab.postgresql import SHARED, PostgresServer, why_not
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application

# A machine with other work may take any time for an example.
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")

KINDS = ("emulator", "freeswitch")
# Kept with each test's report.
SWITCH, VERSION = "switch", "FreeSWITCH version"
PARTS = ("heard", "real", "scenarios", "emulated", "rest")
HEARD = ("sound", "load", "attacks")
OWNER = "texml_owner"
# Left out by --quick: they take long, start programs and kill them, draw hundreds of examples, or need a
# browser or a FreeSWITCH of their own. Of the rest it takes all, of those with a switch about half.
LONG = {
    *(
        "attacks",
        "browser_calls",
        "console",
        "crash",
        "demo",
        "docker",
        "docs",
        "doctor",
        "existing",
        "fuzz",
        "health",
        "load",
        "ownership",
        "recordings",
    ),
    *("races", "sip", "sound", "packaging", "test_cli.py", "test_lab.py", "test_performance.py"),
    *(
        f"{folder}/test_{name}.py"
        for folder, names in {
            "cli": ("following", "names", "run"),
            "callbacks": ("bounds", "kill", "misbehaviour"),
            "calls": ("outbound",),
            "conference": ("histories",),
            "esl": ("real_freeswitch",),
            "fsconfig": ("render",),
            "recovery": (
                *("lost_socket", "reconcile", "recordings", "recordings_of_the_last_run"),
                *("resumed_verbs", "stored_state"),
            ),
            "reloading": ("reload",),
            "scenarios": (
                *("callees", "connection", "dial_out", "dialect", "fetching", "hanging_up"),
                *("hostile_application", "inband", "messages", "numbers", "ringing", "trunks"),
                *("record", "status_callbacks", "time_limit", "wait_documents"),
            ),
            "sdk": (
                *("announcing", "callee_instructions", "called_off", "dialling", "early_media"),
                *("effects", "every_parameter", "shown_names"),
            ),
            "store": ("copying", "outbox", "outbox_admin", "postgresql", "server_away"),
            "texml": ("properties",),
            "web": ("openapi",),
        }.items()
        for name in names
    ),
}
GOING_TIME = 15.0  # seconds for channels and conferences to go after the last phone hung up


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--switch",
        choices=["emulator", "freeswitch", "both"],
        help="what tests with a switch run on; default: both where there is a FreeSWITCH, else the emulator",
    )
    parser.addoption(
        "--part",
        choices=PARTS,
        help="tests of sound, load and attacks on a real FreeSWITCH; the others on one; those without; "
        "`python -m tests` does all at once",
    )
    parser.addoption(
        "--relayed",
        action="store_true",
        help="callers come to one of three FreeSWITCH nodes, and rooms are on the two others in turn",
    )
    parser.addoption(
        "--store",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="where the orchestrators of tests with a switch keep what happens",
    )
    parser.addoption("--quick", action="store_true", help="on the emulator, without what takes long")
    parser.addoption("--share", metavar="K/N", help="of those every Nth, from the Kth on")


def pytest_configure(config: pytest.Config) -> None:
    # A suite in the background of a script ignores it, and so would all that the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--store") == "postgresql":
        if reason := why_not():
            raise pytest.UsageError(f"--store asks for PostgreSQL, but {reason}")
        SHARED.wanted = True
    config.addinivalue_line("markers", "rather(kind): on that kind of switch if there is one, else the other")
    config.addinivalue_line("markers", "only(kind): runs on that kind of switch only: emulator, freeswitch")


def pytest_unconfigure(config: pytest.Config) -> None:
    SHARED.close()


@pytest.fixture(scope="session")
def postgresql() -> PostgresServer:
    """The server of the session. A test that stops it starts it again."""
    if reason := why_not():
        pytest.skip(reason)
    return SHARED.server


def asked_for(config: pytest.Config) -> str | None:
    """The kind of switch that the options name: emulator, freeswitch, both or none."""
    return "emulator" if config.getoption("--quick") else config.getoption("--switch")


def chosen(config: pytest.Config) -> list[str]:
    option = asked_for(config)
    if option in KINDS:
        return [option]
    return ["emulator", "freeswitch"] if option == "both" or not FreeSwitch.why_not() else ["emulator"]


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """With `text` as the orchestrator's log would have it."""
    caplog.handler.setFormatter(formatter())
    return caplog


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "switch" in metafunc.fixturenames:
        kinds = chosen(metafunc.config)
        for mark in metafunc.definition.iter_markers("only"):
            kinds = [mark.args[0]] if mark.args[0] in kinds or not asked_for(metafunc.config) else []
        for mark in metafunc.definition.iter_markers("rather"):
            kinds = [mark.args[0]] if mark.args[0] in kinds else kinds
        metafunc.parametrize("switch", kinds, indirect=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files that are left out are not imported either."""
    tests = config.rootpath / "tests"
    if config.getoption("--quick") and collection_path.is_relative_to(tests):
        return collection_path.relative_to(tests).as_posix() in LONG or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("--part")
    wanted = [item for item in items if part is None or _part_of(item) == part]
    if share := config.getoption("--share"):
        first, of = map(int, share.split("/"))
        wanted = wanted[first - 1 :: of]
    here = set(wanted)
    config.hook.pytest_deselected(items=[item for item in items if item not in here])
    items[:] = wanted


def _part_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    kind = callspec.params.get("switch") if callspec is not None else None
    if kind != "freeswitch":
        scenarios = item.path.parent.name == "scenarios"
        return "rest" if kind is None else "scenarios" if scenarios else "emulated"
    return "heard" if item.path.parent.name in HEARD else "real"


@pytest.fixture(scope="session")
def real_switch(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[FreeSwitch]:
    """The real FreeSWITCH of the session. Tests take `switch`, which looks after it."""
    yield from _real(tmp_path_factory, pytestconfig, "freeswitch")


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[FreeSwitch]:
    """The second one."""
    yield from _real(tmp_path_factory, pytestconfig, "home")


@pytest.fixture(scope="session")
def third_real_switch(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[FreeSwitch]:
    yield from _real(tmp_path_factory, pytestconfig, "third")


def _real(factory: pytest.TempPathFactory, config: pytest.Config, name: str) -> Iterator[FreeSwitch]:
    if reason := FreeSwitch.why_not():
        if config.getoption("--switch") in ("freeswitch", "both"):
            pytest.fail(f"--switch asks for FreeSWITCH, but {reason}")
        pytest.skip(reason)
    switch = FreeSwitch(factory.mktemp(name))
    try:
        switch.open()
        yield switch
    finally:
        switch.close()


@pytest.fixture
def switch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Switch]:
    """A switch with nothing on it; after the test there has to be nothing on it again."""
    if request.param == "freeswitch":
        switch: Switch = request.getfixturevalue("real_switch")
    else:
        # Late: a real switch needs nothing of the project.
        from tests.lab.emulated import Emulator

        switch = Emulator(tmp_path / "switch")
    request.node.user_properties.append((SWITCH, switch.kind))
    if isinstance(switch, FreeSwitch):
        request.node.user_properties.append((VERSION, switch.version))
    if request.config.getoption("--relayed"):
        names = ("real_home", "third_real_switch")
        switch.others = tuple(request.getfixturevalue(name) for name in names)
    for node in (switch, *switch.others):
        node.begin()
        # As an orchestrator leaves it that stopped; killed ones would have to be waited for.
        node.api(f"global_setvar {OWNER}=free")
    try:
        yield switch
        switch.hang_up_all()
        left = switch.leftovers(GOING_TIME) if switch.running else []
        for other in switch.others:
            left += [f"on another node: {one}" for one in other.leftovers(GOING_TIME)]
        if left:
            for each in (switch, *switch.others):
                each.force_clean()
            pytest.fail("left on the switch after the test: " + "; ".join(left))
    finally:
        if isinstance(switch, FreeSwitch):
            switch.restore()
        else:
            switch.stop()


@pytest.fixture
def application() -> Iterator[Application]:
    """The customer's web application (see tests/lab/web.py)."""
    application = Application()
    application.start()
    yield application
    application.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    switch = getattr(item, "funcargs", {}).get("switch")
    if report.failed and isinstance(switch, FreeSwitch):
        report.sections.append(("FreeSWITCH's log", switch.log_tail()))


def properties(reporter: pytest.TerminalReporter, name: str) -> dict[str, list[object]]:
    """The notes of tests under `name`, by test."""
    found: dict[str, list[object]] = {}
    for reports in reporter.stats.values():
        for report in reports:
            values = [value for key, value in getattr(report, "user_properties", ()) if key == name]
            if values:
                found[report.nodeid] = values
    return found


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    kinds = [values[0] for values in properties(terminalreporter, SWITCH).values()]
    versions = [values[0] for values in properties(terminalreporter, VERSION).values()]
    if real := kinds.count("freeswitch"):
        line = f"switch: real FreeSWITCH {versions[0]} took part in {real} tests"
    elif reason := FreeSwitch.why_not():
        stood_in = "the emulator stood in" if kinds else "and no test that can do without"
        line = f"switch: no FreeSWITCH here, {stood_in} ({reason})"
    elif kinds:
        line = "switch: the emulator only, as asked for"
    else:
        line = "switch: no test needed one"
    terminalreporter.write_line(line)
