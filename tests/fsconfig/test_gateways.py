"""The gateways of a trunk in FreeSWITCH, and the commands of a reload."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from lxml import etree

from orchestrator.config import loads
from orchestrator.esl.errors import CommandFailed, CommandTimeout
from orchestrator.fsconfig.conference_profiles import TalkEvents, reports_talking, room_profile, settings_name
from orchestrator.fsconfig.reload import Unreadable, check, put, reread
from orchestrator.fsconfig.render import GATEWAYS, render

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
ALWAYS = {"caller-id-in-from": "true", "context": "texml"}
NO_LOGIN = ALWAYS | {"username": "not-used", "password": "not-used", "register": "false"}


def gateway(keys: str) -> dict[str, str]:
    root = etree.fromstring(
        render(loads(f"{ACCOUNT}trunks: {{t: {{{keys}}}}}\n", environ={}))[GATEWAYS].encode()
    )
    (found,) = root.iter("gateway")
    assert found.get("name") == "t"
    return {param.get("name"): param.get("value") for param in found}


@pytest.mark.parametrize(
    ("keys", "parameters"),
    [
        ("proxy: a.example", NO_LOGIN | {"proxy": "a.example"}),
        ("proxy: 'a.example:5070;transport=tcp'", NO_LOGIN | {"proxy": "a.example:5070;transport=tcp"}),
        (
            "proxy: a.example, realm: r.example",
            NO_LOGIN | {"proxy": "a.example", "realm": "r.example", "from-domain": "r.example"},
        ),
        ("proxy: a.example, ping_secs: 30", NO_LOGIN | {"proxy": "a.example", "ping": "30"}),
        (
            "proxy: a.example, username: u, password: p",
            NO_LOGIN | {"proxy": "a.example", "username": "u", "password": "p"},
        ),
        (
            "proxy: a.example, username: u, password: p, register: true",
            ALWAYS
            | {
                "proxy": "a.example",
                "username": "u",
                "password": "p",
                "register": "true",
                "expire-seconds": "600",
                "extension": "auto_to_user",
            },
        ),
        (
            "proxy: 'a.example;transport=tcp', username: u, password: p, register: true, expires_secs: 90",
            ALWAYS
            | {
                "proxy": "a.example;transport=tcp",
                "username": "u",
                "password": "p",
                "register": "true",
                "register-transport": "tcp",
                "expire-seconds": "90",
                "extension": "auto_to_user",
            },
        ),
    ],
)
def test_a_trunk_is_a_gateway_with_these_parameters_and_no_others(
    keys: str, parameters: dict[str, str]
) -> None:
    assert gateway(keys) == parameters


@pytest.mark.parametrize(
    ("name", "speech"), list(product(("default", "quiet", "floor", "a.b"), get_args(TalkEvents)))
)
def test_a_rendered_profile_names_that_of_the_settings_and_what_it_reports(
    name: str, speech: TalkEvents
) -> None:
    rendered = room_profile(name, speech)
    assert settings_name(rendered) == name
    assert reports_talking(rendered) is (speech != "none")


def files(trunks: str, more: str = "") -> dict[str, str]:
    return render(loads(f"{ACCOUNT}trunks: {{{trunks}}}\n{more}", environ={}))


ONE = "a: {proxy: a.example}, b: {proxy: b.example}"
RESCAN = "sofia profile inside rescan"


@pytest.mark.parametrize(
    ("after", "more", "commands"),
    [
        (ONE, "", []),
        ("a: {proxy: a.example}, b: {proxy: c.example}", "", ["sofia profile inside killgw b", RESCAN]),
        ("a: {proxy: a.example}", "", ["sofia profile inside killgw b", RESCAN]),
        (f"{ONE}, c: {{proxy: c.example}}", "", [RESCAN]),
        (ONE, "sip: {networks: {here: [192.0.2.1]}}\n", [RESCAN]),
        (ONE, "profiles: {p: {rate: 16000}}\n", []),
    ],
)
@pytest.mark.parametrize("has_it", [True, False])
def test_a_reload_of_trunks_takes_these_commands(
    after: str, more: str, commands: list[str], has_it: bool
) -> None:
    asked: list[str] = []

    def api(command: str) -> str:
        asked.append(command)
        if "killgw" in command and not has_it:
            raise CommandFailed("-ERR no such gateway")
        return "+OK"

    reread(files(ONE), files(after, more), "inside", api)
    assert asked == ["reloadacl", *commands]


@pytest.mark.parametrize("answer", ["+OK [Success]", "+OK [Success]\n", "+OK [unclosed tag]", "-ERR", ""])
def test_files_that_freeswitch_cannot_read_are_put_back(tmp_path: Path, answer: str) -> None:
    (tmp_path / "old.xml").write_text("<old/>")
    (tmp_path / "same.xml").write_text("<same/>")
    same = (tmp_path / "same.xml").stat().st_mtime_ns
    new = {"old.xml": "<new/>", "same.xml": "<same/>", "dir/more.xml": "<more/>"}
    is_read = "[Success]" in answer

    def api(command: str) -> str:
        assert command == "reloadxml"
        assert (tmp_path / "old.xml").read_text() == "<new/>"
        return answer

    if is_read:
        put(new, tmp_path, api)
    else:
        with pytest.raises(Unreadable, match="does not read its files"):
            put(new, tmp_path, api)
    assert (tmp_path / "old.xml").read_text() == ("<new/>" if is_read else "<old/>")
    assert (tmp_path / "dir" / "more.xml").read_text() == "<more/>"
    assert (tmp_path / "same.xml").stat().st_mtime_ns == same, "it is not written again"


def test_files_are_put_back_where_freeswitch_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text("<old/>")

    def api(command: str) -> str:
        raise CommandTimeout("no answer")

    with pytest.raises(CommandTimeout):
        put({"old.xml": "<new/>"}, tmp_path, api)
    assert (tmp_path / "old.xml").read_text() == "<old/>"
    with pytest.raises(CommandTimeout):
        check(api)
