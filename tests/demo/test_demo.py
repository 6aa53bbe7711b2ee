"""The demo as a person starts it: a process of its own, judged by what it prints and by its exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CHECKS = 11
PATCHED = "from gevent import monkey; monkey.patch_all(); import sys; from orchestrator.demo import main"


def run(code: str, timeout: float = 90.0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", f"{PATCHED}\n{code}"],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )


def lines(done: subprocess.CompletedProcess[str], start: str) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith(start)]


def test_the_conference_is_as_it_should_be_and_every_check_says_so() -> None:
    done = run("sys.exit(main(fast=True))")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines(done, "✓")) == CHECKS
    assert not lines(done, "✗")
    assert f"all {CHECKS} checks passed" in done.stdout
    assert "\x1b" not in done.stdout, "control sequences in a pipe"
    assert not done.stderr


WRONG_DOCUMENTS = {
    "the muted one was heard by nobody": (
        "callers = Callers(ben=replace(BEN, asks={**BEN.asks, 'muted': 'false'}))"
    ),
    "the moderator's hangup ended the conference": "callers = Callers(cleo=replace(CLEO, asks={}))",
}


@pytest.mark.parametrize(("claim", "callers"), WRONG_DOCUMENTS.items(), ids=list(WRONG_DOCUMENTS))
def test_a_wrong_document_fails_the_check_that_it_breaks(claim: str, callers: str) -> None:
    done = run(
        "from dataclasses import replace\nfrom orchestrator.demo.callers import BEN, CLEO, Callers\n"
        f"{callers}\nsys.exit(main(fast=True, callers=callers))"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(claim in line for line in lines(done, "✗")), done.stdout
    assert "the orchestrator's last log lines" in done.stdout


def test_a_receiver_with_another_key_fails_the_signatures() -> None:
    done = run(
        "from orchestrator.callbacks.signature import load_key, new_seed, public_key\n"
        "from orchestrator.demo import harness\n"
        "harness.public_key = lambda key: public_key(load_key(new_seed()))\n"
        "sys.exit(main(fast=True))"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (failed,) = lines(done, "✗")
    assert failed.startswith("✗ every callback's signature is genuine: not on #0")


def test_a_freeswitch_that_is_not_there_is_explained() -> None:
    done = run("sys.exit(main(freeswitch='127.0.0.1:1', fast=True))")
    assert done.returncode == 1
    assert "no event socket at 127.0.0.1:1" in done.stdout
