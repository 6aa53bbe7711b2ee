"""The image, where a container engine answers."""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import __version__

REPOSITORY = Path(__file__).parents[2]
DOCKER = REPOSITORY / "docker"
BASE = "python:3.12-slim-bookworm"


def docker(*words: str, timeout: float = 60) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise AssertionError(f"docker {' '.join(words)}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def why_not() -> str:
    """Why no image can be built here; empty when one can. No image is pulled for a test."""
    if shutil.which("docker") is None:
        return "no docker on the PATH"
    try:
        docker("version", "--format", "{{.Server.Version}}", timeout=10)
    except (AssertionError, subprocess.TimeoutExpired):
        return "no docker engine answers"
    try:
        docker("image", "inspect", BASE, timeout=10)
    except (AssertionError, subprocess.TimeoutExpired):
        return f"the image {BASE} is not here"
    return ""


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    if reason := why_not():
        pytest.skip(reason)
    name = f"texml-orchestrator:test-{uuid.uuid4().hex[:8]}"
    docker(
        *("build", "--network", "host", "-f", str(DOCKER / "Dockerfile"), "-t", name, str(REPOSITORY)),
        timeout=480,
    )
    yield name
    docker("image", "rm", "--force", name)


def run(image: str, *words: str, entrypoint: str = "orchestrator") -> str:
    guards = ("--read-only", "--cap-drop", "ALL", "--network", "none", "--tmpfs", "/tmp")
    return docker("run", "--rm", *guards, "--entrypoint", entrypoint, image, *words)


def test_it_runs_as_nobody_on_a_read_only_file_system(image: str) -> None:
    assert run(image, "--version").endswith(__version__)
    assert run(image, "-u", entrypoint="id") == "10001"


def test_it_brings_the_configuration_of_freeswitch_and_no_secret(image: str) -> None:
    held = run(
        image,
        "-c",
        "orchestrator example > /tmp/s.yaml; orchestrator render -c /tmp/s.yaml --into /tmp/fs >/dev/null; "
        "ls /tmp/fs; ls secrets event-socket",
        entrypoint="sh",
    )
    assert "freeswitch.xml" in held
    assert held.endswith("event-socket:\n\nsecrets:")
    environment = json.loads(docker("image", "inspect", "--format", "{{json .Config.Env}}", image))
    assert not any("PASSWORD" in entry or "KEY" in entry for entry in environment)


def test_the_compose_files_are_understood_by_the_engines_own_tool() -> None:
    tools = [["docker", "compose"], ["docker-compose"]]
    tool = next(
        (
            words
            for words in tools
            if shutil.which(words[0])
            and not subprocess.run([*words, "version"], capture_output=True).returncode
        ),
        None,
    )
    if tool is None:
        pytest.skip("no docker compose here")
    files = [word for path in sorted(DOCKER.glob("compose*.yaml")) for word in ("-f", path.name)]
    done = subprocess.run([*tool, *files, "config", "-q"], cwd=DOCKER, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
