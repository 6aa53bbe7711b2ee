"""The manifest: Kubernetes' own schemas take it, and what it gives our programs is what they want."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from orchestrator.callbacks.signature import new_seed
from orchestrator.config import loads
from orchestrator.fsconfig.base_files import base_file
from tests.docs.markdown import ROOT
from tests.docs.test_prose import refused

MANIFEST = ROOT / "deploy" / "kubernetes" / "texml.yaml"
VERSIONS = ("1.28", "1.32", kubernetes_validate.latest_version())
SECRETS = Path("/run/secrets/texml")


def resources() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(MANIFEST.read_text()))


def resource(kind: str) -> dict[str, Any]:
    (found,) = [one for one in resources() if one["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    return resource("StatefulSet")["spec"]["template"]["spec"]


def containers() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in (*pod()["initContainers"], *pod()["containers"])}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", resources(), ids=lambda one: one["kind"])
def test_the_schemas_of_kubernetes_take_it(one: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(one, version, strict=True)


def test_a_misspelt_field_is_found() -> None:
    broken = resource("StatefulSet")
    broken["spec"]["template"]["spec"]["hostNetwrok"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_the_settings_are_right_and_its_paths_are_mounted(tmp_path: Path) -> None:
    text = resource("ConfigMap")["data"]["orchestrator.yaml"]
    made = set(re.findall(r"--from-literal=(\w+)=", (ROOT / "deploy" / "README.md").read_text()))
    for path in re.findall(r"\{file: (\S+)\}", text):
        assert Path(path).parent == SECRETS
        assert Path(path).name in made
        (tmp_path / Path(path).name).write_text(new_seed())
    settings = loads(text.replace(str(SECRETS), str(tmp_path)), environ={})
    assert settings.advice() == []
    (node,) = settings.freeswitch.nodes
    mounted = [mount["mountPath"] for mount in containers()["orchestrator"]["volumeMounts"]]
    for place in (node.recordings_dir, node.media_dir, node.conf_dir, settings.callbacks.database):
        assert place is not None
        assert any(place.is_relative_to(mount) for mount in mounted), place


def test_both_see_the_same_directories_under_the_same_paths() -> None:
    mounts = {name: one["volumeMounts"] for name, one in containers().items()}
    assert mounts["freeswitch"] == mounts["orchestrator"] == mounts["configuration"]
    volumes = {volume["name"] for volume in pod()["volumes"]}
    assert {mount["name"] for mount in mounts["freeswitch"]} == volumes


def test_the_commands_of_ours_are_ones_that_the_program_takes() -> None:
    ours = [one["args"] for one in containers().values() if one["image"] == "texml-orchestrator"]
    assert len(ours) == 2
    assert [refused(words) for words in ours] == ["", ""]


def test_every_variable_of_freeswitch_is_one_that_its_configuration_reads() -> None:
    known = set(re.findall(r"\$(FS_\w+)", base_file("vars.xml")))
    given = {one["name"] for one in containers()["freeswitch"]["env"] if one["name"].startswith("FS_")}
    assert given
    assert given <= known


def test_nobody_is_root_or_writes_to_the_image() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    for one in containers().values():
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_probes_ask_where_the_orchestrator_listens() -> None:
    listen = loads_listen(resource("ConfigMap")["data"]["orchestrator.yaml"])
    orchestrator = containers()["orchestrator"]
    for probe in ("readinessProbe", "livenessProbe"):
        asked = orchestrator[probe]["httpGet"]
        assert f"{asked['host']}:{asked['port']}" == listen


def loads_listen(text: str) -> str:
    listen = yaml.safe_load(text)["web"]["listen"]
    assert isinstance(listen, str)
    return listen


def test_a_new_manifest_ends_no_call() -> None:
    spec = resource("StatefulSet")["spec"]
    assert spec["updateStrategy"] == {"type": "OnDelete"}
    assert spec["replicas"] == 1
