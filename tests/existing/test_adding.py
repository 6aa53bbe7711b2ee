"""`orchestrator render --into` a configuration that was there before us."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from lxml import etree

from orchestrator import cli
from orchestrator.config import loads
from orchestrator.fsconfig import existing
from orchestrator.fsconfig.existing import parts
from tests.existing.vanilla import Vanilla, likeness

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
SETTINGS = ACCOUNT + "applications: {a: {voice_url: 'http://127.0.0.1/'}}\n"
ROUTED = SETTINGS + "numbers: {+13125550100: a, desk: a, '44*': a, '5?': a}\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return likeness(tmp_path / "conf")


def files(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def render(directory: Path, settings: str, *options: str) -> int:
    path = directory.parent / "orchestrator.yaml"
    path.write_text(settings)
    return cli.main(["render", "-c", str(path), "--into", str(directory), *options])


def test_nothing_that_was_there_is_changed_but_for_marked_blocks(directory: Path) -> None:
    before = files(directory)
    assert render(directory, ROUTED, "--yes") == 0
    after = files(directory)
    assert {name: parts.without_blocks(after[name]) for name in before} == before
    assert not [name for name in after if b"\r" in (directory / name).read_bytes()], "other ends of lines"
    assert {name for name in after if name not in before} == {
        existing.MANIFEST,
        "dialplan/texml.xml",
        "dialplan/public/00_texml.xml",
        "sip_profiles/texml.xml",
        "sip_profiles/texml/gateways.xml",
    }
    assert {name for name in before if after[name] != before[name]} == {
        "autoload_configs/conference.conf.xml",
        "autoload_configs/modules.conf.xml",
    }


def test_every_file_is_xml_and_every_variable_in_it_is_ours(directory: Path) -> None:
    assert render(directory, ROUTED, "--yes") == 0
    for name, text in files(directory).items():
        if name.endswith(".xml"):
            etree.fromstring(text)
    for name in ("dialplan/texml.xml", "sip_profiles/texml.xml"):
        text = files(directory)[name]
        used = set(re.findall(r"\$\$\{(\w+)\}", text))
        assert used
        assert used <= set(re.findall(r'data="(texml_\w+)=', text))


NODES = """
freeswitch:
  nodes:
    - {name: a, relay: "10.0.0.11:5072", recordings_dir: /a/r, media_dir: /a/m}
    - {name: b, port: 8022, relay: "10.0.0.12:5071", recordings_dir: /b/r, media_dir: /b/m}
    - {name: c, port: 8023, relay: "[fd00::13]:5070", recordings_dir: /c/r, media_dir: /c/m}
"""


def test_one_of_several_nodes_takes_calls_of_the_others_alone(directory: Path) -> None:
    name, before = "sip_profiles/texml-relay.xml", files(directory)
    assert render(directory, ROUTED + NODES, "--yes", "--node", "b") == 0
    text = files(directory)[name]
    profile = etree.fromstring(text).find("profile")
    params = {param.get("name"): param.get("value") for param in profile.iter("param")}
    assert params["sip-port"] == "5071"
    assert params["apply-inbound-acl"] == "10.0.0.11/32,fd00::13/128"
    assert params["apply-register-acl"] == parts.NOBODY
    assert set(re.findall(r"\$\$\{(\w+)\}", text)) <= set(re.findall(r'data="(texml_\w+)=', text))
    assert render(directory, ROUTED, "--yes") == 0
    assert name not in files(directory), "it is the only node again"
    assert render(directory, ROUTED, "--undo", "--yes") == 0
    assert files(directory) == before


def test_calls_from_the_console_have_a_sip_profile_of_their_own_on_loopback(directory: Path) -> None:
    before = files(directory)
    assert render(directory, ROUTED, "--yes") == 0
    name = "sip_profiles/texml-browser.xml"
    assert name not in files(directory)
    assert render(directory, ROUTED + "web: {browser_calls: {enabled: true, port: 5077}}\n", "--yes") == 0
    text = files(directory)[name]
    profile = etree.fromstring(text).find("profile")
    params = {param.get("name"): param.get("value") for param in profile.iter("param")}
    assert profile.get("name") == "texml-browser"
    assert (params["sip-ip"], params["sip-port"], params["bind-params"]) == (
        "127.0.0.1",
        "5077",
        "transport=ws",
    )
    assert (params["apply-inbound-acl"], params["apply-register-acl"]) == ("127.0.0.0/8", parts.NOBODY)
    used = set(re.findall(r"\$\$\{(\w+)\}", text))
    assert used <= set(re.findall(r'data="(texml_\w+)=', text))
    assert render(directory, ROUTED, "--undo", "--yes") == 0
    assert files(directory) == before


def test_the_owners_profiles_and_modules_stay_and_ours_come_beside_them(directory: Path) -> None:
    assert render(directory, SETTINGS, "--yes") == 0
    conference = etree.fromstring((directory / "autoload_configs/conference.conf.xml").read_text())
    names = conference.xpath("profiles/profile/@name")
    assert names == ["default", "texml.default.quiet", "texml.default", "texml.default.floor"]
    modules = etree.fromstring((directory / "autoload_configs/modules.conf.xml").read_text())
    loaded = modules.xpath("modules/load/@module")
    assert len(loaded) == len(set(loaded))
    assert {"mod_sofia", "mod_conference", "mod_shout", "mod_flite"} <= set(loaded)


def test_keys_of_a_profile_come_with_it(directory: Path) -> None:
    assert render(directory, SETTINGS + "profiles: {p: {caller_controls: {'0': mute}}}\n", "--yes") == 0
    conference = etree.fromstring((directory / "autoload_configs/conference.conf.xml").read_text())
    assert conference.xpath("caller-controls/group/@name") == ["default", "keys.p"]


@pytest.mark.parametrize(
    ("number", "goes"),
    [
        ("+13125550100", True),
        ("13125550100", True),
        ("131255501001", False),
        ("desk", True),
        ("desktop", False),
        ("+4420", True),
        ("+13125550100;npdi=yes", True),
        ("3125550100", True),
        ("51", True),
        ("511", False),
        ("1000", False),
        # `transfer` splits at blanks: the rest would name another context.
        ("44 XML default", False),
        ("44${system(x)}", False),
    ],
)
def test_the_numbers_of_the_settings_and_no_others_go_to_us(number: str, goes: bool) -> None:
    expression = etree.fromstring(parts._routes(loads(ROUTED))).find("extension/condition").get("expression")
    assert bool(re.search(expression, number)) is goes


@pytest.mark.parametrize("number", ["4*4.1x", "a+b", "x.y*", "desk", "+13125550100", "1?0"])
def test_a_number_of_the_settings_is_the_argument_of_the_transfer(number: str) -> None:
    """A regular expression's syntax in it counts as it is written."""
    settings = loads(SETTINGS + f"numbers: {{'{number}': a}}\n")
    (extension,) = etree.fromstring(parts._routes(settings))
    (condition,) = extension
    (action,) = condition
    assert dict(action.attrib) == {"application": "transfer", "data": "$1 XML texml"}
    assert condition.get("field") == "destination_number"
    called = number.replace("*", "ab").replace("?", "7")
    for written in (called, f"{called};npdi=yes"):
        found = re.search(condition.get("expression"), written)
        assert found is not None
        assert found[1] == called
    for other in (called.replace(".", "-"), f"{called}~", f"~{called}", called.replace("+b", "ab")):
        assert other == called or not re.search(condition.get("expression"), other)


def test_without_numbers_no_context_of_the_owner_leads_to_us(directory: Path) -> None:
    assert render(directory, SETTINGS + "default_application: a\n", "--yes") == 0
    assert not (directory / "dialplan/public").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_file_that_root_writes_belongs_to_the_owner_of_the_others(directory: Path) -> None:
    owner, other = (4321, 4322), (4331, 4332)
    for path in (directory, *directory.rglob("*")):
        os.chown(path, *owner)
    edited = directory / "autoload_configs/modules.conf.xml"
    os.chown(edited, *other)
    edited.chmod(0o604)
    assert render(directory, ROUTED, "--yes") == 0
    own = {path: (path.stat().st_uid, path.stat().st_gid) for path in directory.rglob("*")}
    assert own.pop(edited) == other
    assert set(own.values()) == {owner}
    assert edited.stat().st_mode & 0o777 == 0o604
    assert (directory / "dialplan/texml.xml").stat().st_mode & 0o777 == 0o640


def test_twice_is_as_once(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(directory, ROUTED, "--yes") == 0
    once = files(directory)
    capsys.readouterr()
    assert render(directory, ROUTED) == 0
    assert "nothing to change" in capsys.readouterr().out
    assert files(directory) == once


def test_other_settings_change_what_is_ours_and_nothing_else(directory: Path) -> None:
    before = files(directory)
    assert render(directory, ROUTED + "profiles: {wide: {rate: 48000}}\n", "--yes") == 0
    assert render(directory, SETTINGS, "--yes") == 0
    text = (directory / "autoload_configs/conference.conf.xml").read_text()
    assert "texml.default" in text
    assert "texml.wide" not in text
    assert not (directory / "dialplan/public/00_texml.xml").exists()
    assert render(directory, SETTINGS, "--undo", "--yes") == 0
    assert files(directory) == before


def test_undo_leaves_what_the_owner_changed_since(directory: Path) -> None:
    before = files(directory)
    assert render(directory, ROUTED, "--yes") == 0
    path = directory / "autoload_configs/conference.conf.xml"
    path.write_text(path.read_text().replace('value="8000"/></profile>', 'value="16000"/></profile>', 1))
    assert render(directory, ROUTED, "--undo", "--yes") == 0
    changed = before["autoload_configs/conference.conf.xml"].replace("8000", "16000")
    assert files(directory) == before | {"autoload_configs/conference.conf.xml": changed}


def test_undo_does_not_delete_a_file_of_ours_that_was_changed_by_hand(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(directory, SETTINGS, "--yes") == 0
    path = directory / "dialplan/texml.xml"
    path.write_text(path.read_text() + "<!-- mine -->\n")
    there = files(directory)
    assert render(directory, SETTINGS, "--undo", "--yes") == 1
    assert "dialplan/texml.xml was changed by hand" in capsys.readouterr().err
    assert files(directory) == there


def test_undo_needs_something_of_ours(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(directory, SETTINGS, "--undo", "--yes") == 1
    assert "nothing of ours" in capsys.readouterr().err


def test_it_shows_the_difference_and_does_nothing_unless_asked(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = "trunks: {g: {proxy: sip.example.com, password: swordfish}}\n"
    before = files(directory)
    assert render(directory, SETTINGS + gateway, "--diff") == 0
    shown = capsys.readouterr().out
    assert "+++ b/dialplan/texml.xml" in shown
    assert '+    <profile name="texml.default">' in shown
    assert "sip.example.com" in shown
    assert "swordfish" not in shown
    with open("/dev/null") as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        assert render(directory, SETTINGS) == 1
    assert "--yes" in capsys.readouterr().err
    assert files(directory) == before


def test_a_gateways_password_is_not_for_everybody(directory: Path) -> None:
    assert render(directory, SETTINGS + "trunks: {g: {proxy: a.example, password: x}}\n", "--yes") == 0
    assert (directory / "sip_profiles/texml/gateways.xml").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("freeswitch.xml", "dialplan/*.xml", "other/*.xml", "does not include dialplan"),
        ("freeswitch.xml", 'data="autoload', 'data="b/autoload', "does not include autoload_configs"),
        ("autoload_configs/sofia.conf.xml", "sip_profiles", "profiles", "does not include ../sip_profiles"),
        ("autoload_configs/conference.conf.xml", "</profiles>\n</conf", "</conf", "exactly one </profiles>"),
        ("autoload_configs/modules.conf.xml", "</modules>", "", "exactly one </modules>"),
        ("dialplan/mine.xml", "mine", "texml", "a context texml already"),
        ("sip_profiles/internal.xml", "internal", "texml", "a SIP profile texml already"),
    ],
)
def test_a_file_that_render_does_not_understand_is_left_alone_and_named(
    directory: Path, capsys: pytest.CaptureFixture[str], name: str, old: str, new: str, problem: str
) -> None:
    path = directory / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    before = files(directory)
    assert render(directory, SETTINGS, "--yes") == 1
    error = capsys.readouterr().err
    assert problem in error
    assert name in error
    assert files(directory) == before


def test_every_reason_is_reported_at_once(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(directory / "autoload_configs")
    assert render(directory, SETTINGS, "--yes") == 1
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_a_file_that_is_in_the_way_is_not_overwritten(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "dialplan/texml.xml").write_text("<include/>")
    assert render(directory, SETTINGS, "--yes") == 1
    assert "dialplan/texml.xml is there already" in capsys.readouterr().err
    assert (directory / "dialplan/texml.xml").read_text() == "<include/>"


def test_a_damaged_manifest_is_no_reason_to_touch_anything(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(directory, SETTINGS, "--yes") == 0
    for text in ("{", '{"added": {"../../etc/passwd": ""}, "edited": []}'):
        (directory / existing.MANIFEST).write_text(text)
        assert render(directory, SETTINGS, "--undo", "--yes") == 1
        assert "is damaged" in capsys.readouterr().err


def test_line_ends_of_windows_stay(directory: Path) -> None:
    path = directory / "autoload_configs/modules.conf.xml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes()
    assert render(directory, SETTINGS, "--yes") == 0
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")
    assert render(directory, SETTINGS, "--undo", "--yes") == 0
    assert path.read_bytes() == before


def test_the_real_vanilla_configuration_is_understood_and_comes_back_as_it_was(tmp_path: Path) -> None:
    source = Vanilla.vanilla()
    if source is None:
        pytest.skip("no vanilla configuration beside FreeSWITCH")
    directory = tmp_path / "conf"
    shutil.copytree(source, directory)
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    assert render(directory, ROUTED, "--yes") == 0
    assert (directory / "dialplan/default/00_texml.xml").exists()
    assert render(directory, ROUTED, "--undo", "--yes") == 0
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before
