"""Each way to get a value wrong has a sentence of its own, at its key, in its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config import ConfigErrors, load, loads
from orchestrator.config.tree import MAX_DEPTH

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
KEYED = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, auth_token: VALUE}]\n"
TOKEN = "accounts[0].auth_token"
MISTAKES = (
    ("web: {public_url: {env: [a]}}", "web.public_url", "a URL is a text, or {env: NAME}"),
    ("web: {public_url: {file: a}}", "web.public_url", "a URL is a text, or {env: NAME}"),
    ("web: {public_url: {env: GONE}}", "web.public_url", "the environment variable GONE is not set"),
    ("web: {public_url: {env: EMPTY}}", "web.public_url", "the environment variable EMPTY is not set"),
    ("web: {public_url: 'http://['}", "web.public_url", "this is no http or https URL"),
    ("web: {public_url: 'http://host:99999/'}", "web.public_url", "this is no http or https URL"),
    ("web: {public_url: 'http://host:0/'}", "web.public_url", "this is no http or https URL"),
    ("web: {public_url: 'http://a host/'}", "web.public_url", "this is no http or https URL"),
    ("web: {public_url: 'ftp://host/'}", "web.public_url", "this is no http or https URL"),
    ("cluster: {standby: yes}", "cluster.standby", "needs a database that is shared"),
    (
        "cluster: {standby: true}\ncallbacks: {postgresql: 'postgresql://a/b'}\nweb: {listen: '0.0.0.0:80'}",
        "cluster.standby",
        "others cannot reach this web server as 0.0.0.0",
    ),
    ("cluster: {url: 10.0.0.1}", "cluster.url", "this is no http or https URL"),
    ("sip: {trusted_networks: [office]}", "sip", "there is no network office"),
    ("? [a, b]\n: c", "", "a key has to be a text"),
    ('web: {listen: "a\\0b"}', "web.listen", "has a character that no text has"),
    ("callbacks: {attempts: x}", "callbacks.attempts", "should be a whole number"),
    ("callbacks: {attempts: 1.5}", "callbacks.attempts", "should be a whole number"),
    ("fetch: {timeout_secs: x}", "fetch.timeout_secs", "should be a number"),
    ("conference: {join_while_waiting: perhaps}", "conference.join_while_waiting", "should be true or false"),
    ("web: {listen: [a]}", "web.listen", "should be a text"),
    ("web: x", "web", "should be a section with keys of its own"),
    ("speech: {voices: x}", "speech.voices", "should be a section with keys of its own"),
    ("callbacks: {backoff_secs: 1}", "callbacks.backoff_secs", "should be a list"),
    ("default_region: XX", "default_region", "this is no country"),
    ("trunks: {a: {proxy: h, caller_id: '312 555 0100'}}", "trunks.a.caller_id", "'312 555 0100' is neither"),
    ("trunks: {a: {proxy: h, caller_id: '3125550100'}}", "trunks.a.caller_id", "3125550100 lacks its + and"),
    ("trunks: {a: {proxy: h, caller_id: '+1312'}}", "trunks.a.caller_id", "'+1312' is neither"),
    ("profiles: {a: {sounds: {alone: ' '}}}", "profiles.a.sounds.alone", "a sound is a path or"),
)
SECRETS = (
    ("{env: GONE}", "the environment variable GONE is not set"),
    ("{env: ''}", "env needs a name"),
    ("{file: [a]}", "file needs a name"),
    ("{env: A, file: b}", "a secret is a text, or {env: NAME}, or {file: PATH}"),
    ("{path: a}", "a secret is a text, or {env: NAME}, or {file: PATH}"),
    ("{file: gone}", "the secret file DIRECTORY/gone cannot be read: No such file or directory"),
    ("{file: empty}", "the secret file DIRECTORY/empty is empty"),
    ("{file: lines}", "a secret is one line of printable characters"),
    ('"a\\tb"', "a secret is one line of printable characters"),
)


def mistake(text: str, directory: Path) -> tuple[str, str]:
    """Path and message of the only one."""
    with pytest.raises(ConfigErrors) as caught:
        loads(text, directory=directory, environ={"EMPTY": "", "SET": "secret"})
    (error,) = caught.value.errors
    return error.path, error.message


@pytest.mark.parametrize(("text", "path", "message"), MISTAKES)
def test_a_value_that_makes_no_sense(tmp_path: Path, text: str, path: str, message: str) -> None:
    found = mistake(ACCOUNT + text + "\n", tmp_path)
    assert found[0] == path
    assert found[1].startswith(message)


@pytest.mark.parametrize(("written", "message"), SECRETS)
def test_a_secret_that_is_none(tmp_path: Path, written: str, message: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "lines").write_text("one\ntwo\n")
    message = message.replace("DIRECTORY", str(tmp_path))
    assert mistake(KEYED.replace("VALUE", written), tmp_path) == (TOKEN, message)


@pytest.mark.parametrize("written", ["secret", "{env: SET}", "{file: kept}"])
def test_a_secret_may_stand_there_or_in_the_environment_or_in_a_file(tmp_path: Path, written: str) -> None:
    (tmp_path / "kept").write_text("secret\n")
    text = KEYED.replace("VALUE", written)
    (account,) = loads(text, directory=tmp_path, environ={"SET": "secret"}).accounts
    assert account.auth_token is not None
    assert account.auth_token.get_secret_value() == "secret"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "orchestrator.yaml"
    path.write_bytes(b"accounts: \xff\n")
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    assert [error.message for error in caught.value.errors] == ["this is no UTF-8 text"]


@pytest.mark.parametrize(("levels", "is_said"), [(MAX_DEPTH, False), (MAX_DEPTH + 1, True)])
def test_how_deep_a_file_may_be_nested(levels: int, is_said: bool) -> None:
    text = ACCOUNT + "web: " + "{a: " * (levels - 1) + "b" + "}" * (levels - 1) + "\n"
    with pytest.raises(ConfigErrors) as caught:
        loads(text, environ={})
    assert ("is nested too deep" in [error.message for error in caught.value.errors]) is is_said


@pytest.mark.parametrize(
    "text",
    [
        "cluster: {standby: false}",
        "cluster: {standby: off}\nweb: {listen: '0.0.0.0:8080'}",
        "cluster: {standby: true}\ncallbacks: {postgresql: 'postgresql://a/b'}",
        "cluster: {standby: true, url: 'http://10.0.0.1:80/'}\ncallbacks: {postgresql: 'postgresql://a/b'}\n"
        "web: {listen: '0.0.0.0:8080'}",
    ],
)
def test_an_orchestrator_stands_by_where_the_others_can_reach_it(tmp_path: Path, text: str) -> None:
    settings = loads(ACCOUNT + text, directory=tmp_path)
    assert settings.cluster.standby == ("standby: true" in text)
    assert settings.url_in_cluster == (
        "http://10.0.0.1:80" if "url" in text else f"http://{settings.web.listen}"
    )
