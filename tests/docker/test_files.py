"""Checks of the container files without a container engine."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.config import loads
from orchestrator.fsconfig.base_files import base_file

REPOSITORY = Path(__file__).parents[2]
DOCKER = REPOSITORY / "docker"
COMPOSE_FILES = sorted(DOCKER.glob("compose*.yaml"))
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:?[-?][^}]*)?\}")
LOOPBACK = re.compile(r"127\.0\.0\.1")


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    return yaml.safe_load((DOCKER / name).read_text())


def extended(service: dict[str, Any]) -> dict[str, Any]:
    """As Compose merges it with the service that it extends: volumes by where they are mounted."""
    if "extends" not in service:
        return service
    of = service["extends"]
    base = extended(compose(of["file"])["services"][of["service"]])
    volumes = {volume.split(":")[1]: volume for volume in [*base["volumes"], *service.get("volumes", ())]}
    environment = base.get("environment", {}) | service.get("environment", {})
    return base | service | {"volumes": list(volumes.values()), "environment": environment}


def services() -> list[tuple[str, str, dict[str, Any]]]:
    """(file, name, service); what an override adds to a service of compose.yaml is no service of its own."""
    base = compose()["services"]
    return [
        (path.name, name, extended(service))
        for path in COMPOSE_FILES
        for name, service in compose(path.name)["services"].items()
        if path.name == "compose.yaml" or name not in base
    ]


def env_example() -> dict[str, str]:
    lines = (DOCKER / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


each_service = pytest.mark.parametrize(
    ("file", "name", "service"), services(), ids=lambda value: value if isinstance(value, str) else ""
)


def test_the_environment_has_at_most_six_lines_and_names_files_that_exist() -> None:
    assert len((DOCKER / ".env.example").read_text().splitlines()) <= 6
    assert all((DOCKER / name).exists() for name in env_example()["COMPOSE_FILE"].split(":"))


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=lambda path: path.name)
def test_every_variable_has_a_default(path: Path) -> None:
    bare = [name for name, default in VARIABLE.findall(path.read_text()) if not default]
    assert bare == []


def test_the_defaults_are_those_of_the_example() -> None:
    text = "".join(path.read_text() for path in COMPOSE_FILES)
    for name, default in VARIABLE.findall(text):
        assert default == f":-{env_example()[name]}", name


def test_every_variable_of_freeswitch_is_one_that_its_configuration_reads() -> None:
    known = set(re.findall(r"\$(FS_\w+)", base_file("vars.xml")))
    given = compose()["services"]["freeswitch"]["environment"]
    passed = {name for name in given if name.startswith("FS_")}
    assert passed <= known
    assert {name for name in env_example() if name.startswith("FS_")} <= passed
    # A value here would hide the one in .env.
    assert [name for name in passed if given[name] is not None] == []


@each_service
def test_a_service_is_nobody_on_a_read_only_file_system(
    file: str, name: str, service: dict[str, Any]
) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("0", "root")


@each_service
def test_a_service_publishes_nothing_and_listens_on_loopback(
    file: str, name: str, service: dict[str, Any]
) -> None:
    assert "ports" not in service
    assert "privileged" not in service
    assert service["network_mode"] == "host"
    text = yaml.safe_dump(service)
    assert not re.search(r"0\.0\.0\.0|\[::\]", text)
    if name in ("sample-app", "prometheus", "grafana"):
        assert LOOPBACK.search(text)


@each_service
def test_only_the_engine_keeps_a_service_running_and_no_socket_of_it_is_mounted(
    file: str, name: str, service: dict[str, Any]
) -> None:
    assert service["restart"] == "unless-stopped"
    for volume in service["volumes"]:
        source, _, *mode = volume.split(":")
        assert "docker.sock" not in volume
        assert mode == ["ro"] or not source.startswith("."), f"{volume} is ours to change"


def test_one_service_builds_the_image_and_the_others_wait_for_it() -> None:
    """Symptom: the first `up --build` ends with "already exists", or asks a registry for our image. Cause:
    Compose builds side by side, and pulls for a service that builds nothing. Fix: one builds, none pulls."""
    ours = {name: service for _, name, service in services() if service["image"] == "texml-orchestrator"}
    assert [name for name, service in ours.items() if "build" in service] == ["orchestrator"]
    assert {service.get("pull_policy") for name, service in ours.items() if "build" not in service} == {
        "never"
    }


def test_nothing_that_changes_takes_freeswitch_with_it() -> None:
    """Symptom: calls end at an upgrade, or when the monitoring is added. Cause: Compose recreates what
    depends on a service that it recreates. Fix: FreeSWITCH depends on none, and waits for its files."""
    service = compose()["services"]["freeswitch"]
    assert "depends_on" not in service
    assert "until [ -s /var/lib/orchestrator/freeswitch/freeswitch.xml ]" in service["command"][0]
    overrides = [compose(path.name)["services"] for path in COMPOSE_FILES if path.name != "compose.yaml"]
    assert not any("freeswitch" in services for services in overrides)


@each_service
def test_a_second_start_finds_a_temporary_directory(file: str, name: str, service: dict[str, Any]) -> None:
    """Symptom: FreeSWITCH's container does not come back after a restart. Cause: its image has no /tmp; the
    one that the first start leaves behind lends its mode to the next. Fix: the owner is said."""
    if name in ("freeswitch", "orchestrator"):
        assert service["tmpfs"] == ["/tmp:uid=10001,gid=10001,mode=0700"]


@each_service
def test_every_mounted_path_exists(file: str, name: str, service: dict[str, Any]) -> None:
    known = {**compose()["volumes"], **(compose(file).get("volumes") or {})}
    for volume in service["volumes"]:
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (DOCKER / source).exists(), source
        else:
            assert source in known


def test_an_image_is_named_with_its_version() -> None:
    for file, name, service in services():
        image = service["image"]
        if image != "texml-orchestrator":
            tag = image.rstrip("}").rpartition(":")[2]
            assert re.search(r"\d", tag), f"{file}: {name}: {image}"


def test_nothing_in_these_files_is_a_secret() -> None:
    for path in [*DOCKER.rglob("*"), REPOSITORY / ".dockerignore"]:
        if (
            path.is_file()
            and path.suffix in (".yaml", ".yml", ".example", ".sh", ".py", "")
            and path.name != ".env"
        ):
            text = path.read_text()
            assert "ClueCon" not in text, path
            assert not re.search(
                r"(?i)(password|token|secret|api_key)\s*[=:]\s*[\"']?[A-Za-z0-9+][A-Za-z0-9+/]{11,}", text
            ), path


def test_no_secret_is_an_argument_or_environment_of_an_image() -> None:
    for path in DOCKER.rglob("Dockerfile"):
        for line in path.read_text().splitlines():
            if line.startswith(("ARG", "ENV")):
                assert not re.search(r"(?i)token|password|secret|key", line), f"{path}: {line}"
            assert not line.startswith("ADD"), f"{path}: {line}"


def test_the_token_of_the_packages_is_a_build_secret_and_stays_in_memory() -> None:
    text = (DOCKER / "freeswitch" / "Dockerfile").read_text()
    assert "--mount=type=secret,id=signalwire_token" in text
    written = re.findall(r">\s*(/\S+)", text)
    kept = [path for path in written if not path.startswith(("/root/", "/etc/apt/auth.conf.d/"))]
    assert kept == ["/etc/apt/sources.list.d/freeswitch.list;"]
    for directory in ("/root", "/etc/apt/auth.conf.d"):
        assert f"--mount=type=tmpfs,target={directory}" in text


def test_the_image_has_every_directory_that_a_volume_covers() -> None:
    """A volume without one belongs to root, and nobody else could write into it."""
    made = re.findall(r"mkdir -m 750 (.*) \\", (DOCKER / "Dockerfile").read_text())
    directories = " ".join(made).split()
    overrides = [service for path in COMPOSE_FILES for service in compose(path.name)["services"].values()]
    for service in overrides:
        for volume in service.get("volumes", ()):
            target = volume.split(":")[1]
            if target.startswith("/var/lib/orchestrator/"):
                assert target.removeprefix("/var/lib/orchestrator/") in directories, volume


def test_the_images_user_is_that_of_the_services() -> None:
    user = re.search(r"^USER (.*)$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    assert user
    assert compose()["services"]["orchestrator"]["user"] == user[1]
    assert compose()["services"]["freeswitch"]["user"] == user[1]


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    seen = {rule[1:] for rule in rules if rule.startswith("!")}
    assert all((REPOSITORY / name).exists() for name in seen)
    trunks = "freeswitch-conf/sip_profiles/trunks/*"
    assert trunks in rules, "passwords of trunks do not go into an image"
    for name in re.findall(r"^COPY (\w\S*) ", (DOCKER / "Dockerfile").read_text(), re.MULTILINE):
        assert name in seen, name


def test_two_nodes_share_no_port_and_no_directory_and_else_have_the_settings_of_one(tmp_path: Path) -> None:
    one, two = (
        yaml.safe_load((DOCKER / name / "orchestrator.yaml").read_text())
        for name in ("settings", "settings-two-nodes")
    )
    first, second = two["freeswitch"].pop("nodes")
    (only,) = one.pop("freeswitch")["nodes"]
    assert only.items() <= first.items()
    assert two.pop("freeswitch") == {"new_rooms": "first_caller"}
    assert one == two
    services = compose("compose.two-nodes.yaml")["services"]
    freeswitch = extended(services["second-freeswitch"])
    assert freeswitch["environment"]["FS_EVENT_SOCKET_PORT"] == str(second["port"])
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in freeswitch["volumes"]}
    ours = {volume.split(":")[1]: volume.split(":")[0] for volume in services["orchestrator"]["volumes"]}
    for kind in ("recordings_dir", "media_dir"):
        assert ours[second[kind]] == mounted[second[f"{kind}_on_freeswitch"]]
    assert ours[second["conf_dir"]] == mounted["/var/lib/orchestrator/freeswitch"]
    assert ours["/etc/orchestrator"] == "./settings-two-nodes"


@pytest.mark.parametrize("directory", ["settings", "settings-two-nodes"])
def test_the_settings_of_the_containers_are_right(tmp_path: Path, directory: str) -> None:
    text = (DOCKER / directory / "orchestrator.yaml").read_text()
    for path in re.findall(r"\{file: (\S+)\}", text):
        secret = tmp_path / Path(path).name
        secret.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
        text = text.replace(path, str(secret))
    settings = loads(text, environ={"VOICE_URL": env_example()["VOICE_URL"]})
    assert settings.application_for("anything").voice_url == env_example()["VOICE_URL"]
    assert settings.accounts[0].signing_seed
    assert settings.advice() == []


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], dict[str, str]]:
    """Runs start.sh on directories of our own with an `orchestrator` that writes two files; the result."""
    state, bin_dir = tmp_path / "state", tmp_path / "bin"
    for directory in ("event-socket", "secrets", "metrics", "grafana", "freeswitch"):
        (state / directory).mkdir(parents=True)
    bin_dir.mkdir()
    (bin_dir / "orchestrator").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    (bin_dir / "orchestrator").chmod(0o755)
    script = (DOCKER / "start.sh").read_text()
    script = script.replace("/var/lib/orchestrator", str(state))

    def run() -> dict[str, str]:
        subprocess.run(
            ["sh", "-c", script, "start", "settings.yaml"],
            env={"PATH": f"{bin_dir}:/usr/bin:/bin"},
            check=True,
            capture_output=True,
        )
        files = [path for path in sorted(state.rglob("*")) if path.is_file()]
        assert all(path.stat().st_mode & 0o007 == 0 for path in files)
        return {str(path.relative_to(state)): path.read_text() for path in files}

    return run


def test_secrets_are_made_once_and_differ(start: Callable[[], dict[str, str]]) -> None:
    first, second = start(), start()
    assert first == second
    assert len(first) == len(set(first.values())) == 5
    assert re.fullmatch(r"[0-9a-f]{64}", first["event-socket/password"])


def test_freeswitch_gets_the_configuration_of_this_version_and_the_orchestrator_runs(
    start: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    start()
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["render -c settings.yaml --conf-dirs", "run -c settings.yaml"]
