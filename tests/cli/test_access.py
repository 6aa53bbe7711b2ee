"""Where the command line finds the orchestrator and its key."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from orchestrator.cli.access import ACCOUNT, KEY, OPTIONS, URL, Access, Unusable, access
from orchestrator.cli.tables import plain, when

ONE = "5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10"
TWO = "6a9a7976-012e-45d2-9258-6f5dc68d861e"
SETTINGS = f"""
accounts:
  - {{sid: {ONE}, name: one, api_keys: [key-1]}}
"""
SECOND = f"""  - {{sid: {TWO}, name: two, api_keys: [key-2]}}
  - {{sid: 7a9a7976-012e-45d2-9258-6f5dc68d861e, name: three}}
"""
ENVIRON = {URL: "http://env:1", KEY: "key-env", ACCOUNT: "account-env"}


def found(*words: str, environ: dict[str, str] | None = None) -> Access:
    with pytest.MonkeyPatch.context() as patch:
        for variable in (URL, KEY, ACCOUNT):
            patch.setenv(variable, (environ or {}).get(variable, ""))
        command = click.Command("anything", params=list(OPTIONS), callback=access)
        answer = command.main(list(words), standalone_mode=False)
    assert isinstance(answer, Access)
    return answer


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "other.yaml"
    path.write_text(SETTINGS)
    return path


def test_the_settings_say_everything(file: Path) -> None:
    assert found("-c", str(file)) == Access("http://127.0.0.1:8080", "key-1", ONE)
    file.rename("orchestrator.yaml")
    assert found() == Access("http://127.0.0.1:8080", "key-1", ONE)


def test_an_option_goes_before_the_environment_and_that_before_the_settings(file: Path) -> None:
    assert found("-c", str(file), environ={KEY: "key-env"}).key == "key-env"
    assert found("-c", str(file), "--key", "key-option", environ={KEY: "key-env"}).key == "key-option"
    assert found(environ=ENVIRON) == Access("http://env:1", "key-env", "account-env")
    assert found("--url", "https://x/y/", environ=ENVIRON).base == "https://x/y"


def test_without_a_need_no_settings_are_read(file: Path) -> None:
    Path("orchestrator.yaml").write_text("nonsense")
    assert found(environ=ENVIRON).key == "key-env"


def test_several_accounts(file: Path) -> None:
    file.write_text(SETTINGS + SECOND)
    here = ("-c", str(file))
    with pytest.raises(Unusable, match=r"several accounts.*one, two, three"):
        found(*here)
    assert found(*here, "--account", "two")[1:] == ("key-2", TWO)
    assert found(*here, environ={ACCOUNT: TWO.upper()})[1:] == ("key-2", TWO)
    assert found(*here, "--key", "key-2")[1:] == ("key-2", TWO)
    with pytest.raises(Unusable, match="account three has no api_keys"):
        found(*here, "--account", "three")


@pytest.mark.parametrize(
    ("listen", "base"),
    [
        ("0.0.0.0:81", "http://127.0.0.1:81"),
        ("'[::]:81'", "http://[::1]:81"),
        ("'[::1]:81'", "http://[::1]:81"),
        ("localhost:81", "http://localhost:81"),
    ],
)
def test_the_address_to_listen_on_is_where_this_machine_finds_it(file: Path, listen: str, base: str) -> None:
    file.write_text(f"{SETTINGS}\nweb: {{listen: {listen}, public_url: 'https://elsewhere'}}")
    assert found("-c", str(file)).base == base


@pytest.mark.parametrize(
    ("words", "environ", "says"),
    [
        ((), {}, "--url is missing: give it, or $ORCHESTRATOR_URL, or the settings with -c FILE"),
        ((), {URL: "http://x"}, "--key is missing"),
        ((), {URL: "http://x", KEY: "k"}, "--account is missing"),
        (("--url", "x"), ENVIRON, "x is no base URL"),
        (("--key", "k\n"), ENVIRON, "characters that no API key has"),
    ],
)
def test_a_missing_address_or_key_is_named_with_its_remedy(
    words: tuple[str, ...],
    environ: dict[str, str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unusable) as error:
        found(*words, environ=environ)
    assert says in str(error.value)


def test_a_port_that_the_system_chose_has_to_be_given(file: Path) -> None:
    file.write_text(f"{SETTINGS}\nweb: {{listen: '127.0.0.1:0'}}")
    with pytest.raises(Unusable, match=r"--url or \$ORCHESTRATOR_URL has to say it"):
        found("-c", str(file))


def test_nothing_that_a_caller_chose_steers_the_terminal() -> None:
    assert plain("\x1b[2Jroom\r\n[bold]x") == "?[2Jroom??[bold]x"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Fri, 27 Oct 2023 07:41:58 +0000", "2023-10-27 07:41:58Z"),
        ("2023-08-11T19:12:11Z", "2023-08-11 19:12:11Z"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_times_are_short(written: str | None, shown: str | None) -> None:
    assert when(written) == shown
