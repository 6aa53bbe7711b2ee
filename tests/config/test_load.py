"""Every mistake is reported at once, with its line, its key and what would be right."""

from pathlib import Path

import pytest

from orchestrator.config import ConfigErrors, load, loads

SID = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
MINIMAL = f"accounts:\n  - sid: {SID}\n    name: main\n"
APPLICATION = MINIMAL + "applications:\n  support: {voice_url: 'http://127.0.0.1/voice'}\n"


def mistakes(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        loads(text, file="f.yaml", environ=environ or {})
    return [str(error) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("freeswitch: {nodes: [{hots: x}]}", 4, "freeswitch.nodes[0].hots: unknown key (did you mean host?)"),
        ("loging: {}", 4, "loging: unknown key (did you mean logging?)"),
        ("web: {listen: 8080}", 4, "web.listen: an address to listen on is host:port (e.g. 127.0.0.1:8080)"),
        ("web: {public_url: conf.example.com}", 4, "web.public_url: this is no http or https URL"),
        (
            "callbacks:\n  timeout_secs: 1",
            5,
            "callbacks.timeout_secs: should be greater than or equal to 2, not '1'",
        ),
        ("callbacks:\n  attempts: many", 5, "callbacks.attempts: should be a whole number, not 'many'"),
        ("conference:\n  hangup_on_star: perhaps", 5, "conference.hangup_on_star: should be"),
        (
            "conference: {speaker_mode: talker}",
            4,
            "conference.speaker_mode: should be talking or floor, not 'talker' (did you mean talking?)",
        ),
        (
            "recordings:\n  url_lifetime_secs: 10",
            5,
            "recordings.url_lifetime_secs: should be greater than or equal to 60, not '10'",
        ),
        (
            "recordings:\n  url_lifetime_secs: never",
            5,
            "recordings.url_lifetime_secs: should be a whole number, not 'never' "
            "(a RecordingUrl is signed and good for so long; none: as long as there is the file)",
        ),
        (
            "recordings:\n  retention_days: 0",
            5,
            "recordings.retention_days: should be greater than or equal to 0.1, not '0' "
            "(older recordings are deleted; none: never)",
        ),
        ("recordings:\n  retention_days: inf", 5, "recordings.retention_days: should be"),
        ("recordings:\n  retention_days: nan", 5, "recordings.retention_days: should be"),
        (
            "recordings: {retention: 5}",
            4,
            "recordings.retention: unknown key (did you mean retention_days?)",
        ),
        ("media: 5", 4, "media: should be a section with keys of its own, not '5'"),
        (
            "numbers: {'+13125550001': suport}",
            4,
            "numbers.+13125550001: there is no application suport (there is none)",
        ),
        ("profiles: {wide: {rate: 16001}}", 4, "(did you mean 16000?)"),
        ("profiles: {wide: {interval: 15}}", 4, "profiles.wide.interval: should be 10, 20, 30"),
        (
            "profiles: {wide: {comfort_noise: 1}}",
            4,
            "1 is no level of comfort noise (true, false, or 2 to 9999)",
        ),
        (
            "profiles: {wide: {conference_flags: [wait-mod]}}",
            4,
            "the flag wait-mod cannot be set in a profile",
        ),
        ("profiles: {wide: {member_flags: [endconf]}}", 4, "(the document says it: endConferenceOnExit)"),
        (
            "profiles: {wide: {energy_level: 500, max_energy_level: 400}}",
            4,
            "max_energy_level is below energy_level",
        ),
        ("profiles: {'a b': {}}", 4, "'a b' has characters that do not belong there"),
        (
            "profiles: {wide: {name: narrow}}",
            4,
            "profiles.wide.name: unknown key (the name is wide, the key above)",
        ),
        (
            "profile_patterns: {'x*': wied}\nprofiles: {wide: {}}",
            4,
            "there is no profile wied (did you mean wide?)",
        ),
        ("default_trunk: carrier", 4, "default_trunk: there is no trunk carrier (there is none)"),
        (
            "trunks: {a: {}}",
            4,
            "a trunk needs exactly one of proxy, sofia_gateway and dial_string (it has none)",
        ),
        (
            "trunks: {a: {dial_string: 'sofia/x'}}",
            4,
            "a dial string has {number} once and no FreeSWITCH syntax",
        ),
        ("trunks: {a: {dial_string: '[x=1]sofia/{number}'}}", 4, "no FreeSWITCH syntax"),
        ("trunks: {a: {proxy: h, register: true}}", 4, "register needs username and password"),
        ("trunks: {a: {proxy: h, register: true, username: u}}", 4, "register needs username and password"),
        ("trunks: {a: {proxy: h, register: true, password: p}}", 4, "register needs username and password"),
        (
            "speech: {default_voice: kall}",
            4,
            "speech.default_voice: flite has no voice kall (one of awb, kal, rms, slt)",
        ),
        ("speech: {voices: {man: bob}}", 4, "speech.voices: flite has no voice bob"),
        ("speech: {engine: command}", 4, "engine command needs a command with {text_file} and {out}"),
        (
            "speech: {engine: command, command: [x, '{text_file}', '{out}']}",
            4,
            "speech: engine command needs a default_voice of its own (e.g. default_voice: en)",
        ),
        ("speech: {command: [x]}", 4, "command goes with engine: command"),
        ("freeswitch: {nodes: []}", 4, "no node"),
        ("freeswitch: {nodes: [{}, {port: 8022}]}", 4, "two nodes have the name default"),
        ("freeswitch: {nodes: [{}, {name: b}]}", 4, "two nodes have the event socket 127.0.0.1:8021"),
        ("freeswitch: {nodes: [{}, {name: b, port: 8022}]}", 4, "node default has no relay"),
        (
            "freeswitch: {nodes: [{relay: '10.0.0.1:1'}, {name: b, port: 2, relay: '10.0.0.1:2'}]}",
            4,
            "two nodes have the recordings_dir",
        ),
        ("freeswitch: {nodes: [{relay: here}]}", 4, "here is no address and port"),
        ("freeswitch: {nodes: [{relay: '10.0.0.1:0'}]}", 4, "10.0.0.1:0 is no address and port"),
        (
            "freeswitch: {nodes: [{relay: '10.0.0.1:1'}, {name: b, port: 2, relay: '10.0.0.1:1'}]}",
            4,
            "two nodes have the relay 10.0.0.1:1",
        ),
        (
            "freeswitch: {nodes: [{media_dir_on_freeswitch: media}]}",
            4,
            "a path on FreeSWITCH's side is absolute",
        ),
        ("freeswitch: {nodes: [{recordings_dir: '/srv/my calls'}]}", 4, "cannot be given the path"),
        (
            "freeswitch: {nodes: [{password: {env: GONE}}]}",
            4,
            "the environment variable GONE is not set (export GONE=…)",
        ),
        (
            "freeswitch: {nodes: [{password: {file: gone}}]}",
            4,
            "gone cannot be read: No such file or directory",
        ),
        (
            "freeswitch: {nodes: [{password: {vault: x}}]}",
            4,
            "a secret is a text, or {env: NAME}, or {file: PATH}",
        ),
        (
            "callbacks:\n  attempts: 3\n  attempts: 4",
            6,
            "callbacks.attempts: stands here twice, first in line 5",
        ),
        ("web: !!python/object:os.system {}", 4, "web: the tag"),
        ("web: &a {x: *a}", 4, "is nested too deep"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_its_remedy(text: str, line: int, message: str) -> None:
    found = mistakes(MINIMAL + text)
    assert any(each.startswith(f"f.yaml:{line}: ") and message in each for each in found), found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1: accounts: is missing (at least one, with a sid)"),
        ("accounts: []", "f.yaml:1: accounts: there is no account (at least one, with a sid)"),
        ("accounts: [{sid: main}]", "f.yaml:1: accounts[0].sid: an account's sid is a UUID (e.g. "),
        ("accounts: [{name: x}]", "f.yaml:1: accounts[0].sid: is missing (AccountSid: a UUID)"),
        (
            f"accounts: [{{sid: {SID}, signing_key: Zm9v}}]",
            "accounts[0].signing_key: this is no Ed25519 seed",
        ),
        (f"accounts: [{{sid: {SID}}}, {{sid: {SID}}}]", "accounts[1].sid: another account has this sid too"),
        ("- a\n- b", "f.yaml:1: the file is no mapping"),
        ("web:\n\tlisten: x", "f.yaml:2: no YAML: "),
        ("web: {listen: x\nmedia: y", "f.yaml:2: no YAML: "),
    ],
)
def test_a_file_that_is_wrong_from_the_ground_up_is_one_mistake(text: str, message: str) -> None:
    assert any(message in each for each in mistakes(text)), mistakes(text)


def test_all_mistakes_come_at_once_in_the_order_of_their_lines() -> None:
    found = mistakes(
        "applications:\n  a: {voice_url: nowhere, voice_method: PUT, profile: x, account: mian}\n"
        f"numbers: {{'1': b}}\n{MINIMAL}web: {{listen: x}}\nweb: {{}}\nloging: {{}}\n"
    )
    assert [each.split(": ")[1] for each in found] == [
        "applications.a.account",
        "applications.a.profile",
        "applications.a.voice_method",
        "applications.a.voice_url",
        "numbers.1",
        "web.listen",
        "web",
        "loging",
    ]


def test_a_misspelt_application_is_found_in_numbers_although_the_application_is_wrong_too() -> None:
    found = mistakes(MINIMAL + "applications: {support: {voice_url: x}}\nnumbers: {'+1*': suport}\n")
    assert len(found) == 2
    assert "did you mean support?" in found[1]


def test_several_accounts_need_to_be_named_and_a_misspelt_one_is_recognised() -> None:
    two = f"{MINIMAL}  - {{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10, name: other}}\n"
    application = "applications:\n  a: {voice_url: 'http://h/', account: %s}\n"
    assert (
        loads(two + application % "other").applications["a"].account == "5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10"
    )
    assert loads(two + application % SID).applications["a"].account == SID
    assert "did you mean main?" in mistakes(two + application % "mian")[0]
    assert mistakes(two + application % "") == [
        "f.yaml:6: applications.a.account: is missing, and there are several accounts "
        "(the name or sid of one of them)"
    ]


def test_the_only_account_needs_no_naming() -> None:
    assert loads(APPLICATION).applications["support"].account == SID


def test_a_number_without_quotes_keeps_its_plus_and_a_password_its_zeros() -> None:
    """Symptom: a call to +13125550001 found no application, a password 0123 did not fit.
    Cause: YAML reads integers, 13125550001 and 83. Fix: scalars stay text until the schema reads them.
    """
    settings = loads(
        APPLICATION
        + "numbers:\n  +13125550001: support\n  no: support\nfreeswitch: {nodes: [{password: 0123}]}\n"
    )
    assert settings.application_for("+13125550001") is not None
    assert settings.application_for("no") is not None
    assert settings.freeswitch.nodes[0].password.get_secret_value() == "0123"


def test_the_same_number_in_two_spellings_is_a_mistake() -> None:
    found = mistakes(APPLICATION + "numbers:\n  +13125550001: support\n  '312-555-0001': support\n")
    assert found == ["f.yaml:8: numbers.312-555-0001: is the same number as +13125550001 (keep one of them)"]


def test_a_section_with_everything_commented_out_is_all_defaults() -> None:
    assert loads(MINIMAL + "web:\nfetch:\nprofiles:\n  wide:\n").profiles.keys() == {"default", "wide"}


def test_secrets_come_from_the_environment_or_a_file_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("KEY1\n")
    file = tmp_path / "orchestrator.yaml"
    file.write_text(
        f"accounts: [{{sid: {SID}, api_keys: [{{file: key}}, {{env: K}}, KEY3]}}]\n"
        "freeswitch: {nodes: [{password: {env: P}}]}\n"
    )
    settings = load(file, {"K": "KEY2", "P": "secret"})
    assert [one.key.get_secret_value() for one in settings.accounts[0].api_keys] == ["KEY1", "KEY2", "KEY3"]
    assert settings.freeswitch.nodes[0].password.get_secret_value() == "secret"


def test_api_keys_may_have_names_beside_those_that_have_none(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("KEY3\n")
    file = tmp_path / "orchestrator.yaml"
    named = "{name: billing, key: KEY2}, {name: Ops team, key: {file: key}}"
    file.write_text(f"accounts: [{{sid: {SID}, api_keys: [KEY1, {named}, {{env: K}}]}}]\n")
    (account,) = load(file, {"K": "KEY4"}).accounts
    names = {key: account.name_of_key(key) for key in ("KEY1", "KEY2", "KEY3", "KEY4", "KEY5")}
    assert names == {
        "KEY1": "API key 1",
        "KEY2": "API key billing",
        "KEY3": "API key Ops team",
        "KEY4": "API key 4",
        "KEY5": "",
    }


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("[{name: a, key: x}, {name: a, key: y}]", "two keys are named a"),
        ("[{name: a}]", "accounts[0].api_keys[0].key: is missing"),
        ("[{name: 'a\"b', key: x}]", "accounts[0].api_keys[0].name: has characters that do not belong there"),
        ("[{nam: a, key: x}]", "accounts[0].api_keys[0].nam: unknown key (did you mean name?)"),
    ],
)
def test_mistakes_in_api_keys_are_named(keys: str, message: str) -> None:
    found = "".join(mistakes(f"accounts: [{{sid: {SID}, api_keys: {keys}}}]\n"))
    assert message in found


def test_no_secret_is_shown_by_repr_or_by_a_mistake() -> None:
    settings = loads(
        f"accounts: [{{sid: {SID}, api_keys: [hush-hush]}}]\n"
        "freeswitch: {nodes: [{password: hush-hush}]}\n"
        "trunks: {a: {proxy: h, username: u, password: hush-hush}}\n"
    )
    assert "hush" not in repr(settings)
    assert "hush" not in settings.model_dump_json()
    wrong = f"accounts: [{{sid: {SID}, signing_key: hush-hush, api_keys: hush-hush}}]\n"
    assert "hush" not in "".join(mistakes(wrong + "freeswitch: {nodes: [{password: [hush-hush]}]}"))


def test_relative_paths_start_at_the_file_also_those_that_are_defaults(tmp_path: Path) -> None:
    file = tmp_path / "orchestrator.yaml"
    file.write_text(MINIMAL + "conference: {wait_music: music.wav}\n")
    settings = load(file, {})
    assert settings.conference.wait_music == tmp_path / "music.wav"
    assert settings.callbacks.database == tmp_path / "orchestrator-data" / "orchestrator.sqlite"
    assert settings.freeswitch.nodes[0].media_dir == tmp_path / "orchestrator-data" / "media"


def test_a_missing_file_names_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"No such file or directory \(orchestrator example > "):
        load(tmp_path / "gone.yaml", {})


def test_a_url_may_come_from_the_environment() -> None:
    text = MINIMAL + "applications: {a: {voice_url: {env: VOICE}}}\n"
    assert loads(text, environ={"VOICE": "http://x/"}).applications["a"].voice_url == "http://x/"
    for environ, message in (({}, "VOICE is not set"), ({"VOICE": "x"}, "no http or https URL")):
        with pytest.raises(ConfigErrors, match=message):
            loads(text, environ=environ)
