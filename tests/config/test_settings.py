"""The settings' answers: which application, account, profile, voice, trunk."""

import base64
from pathlib import Path

import pytest

from orchestrator.config import ConfigErrors, Settings, loads
from orchestrator.numbering.phone import NotANumber

SID = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"
SEED = base64.b64encode(bytes(range(32))).decode()
TEXT = f"""
accounts:
  - {{sid: {SID.upper()}, name: main, api_keys: [KEY1, KEY2], signing_key: {SEED}}}
  - {{sid: 5a1e5d2c-6f0b-4c1e-9d35-2f8f0c6c3b10, name: other, api_keys: [KEY3]}}
applications:
  exact: {{account: main, voice_url: 'http://h/1'}}
  chicago: {{account: main, voice_url: 'http://h/2', profile: wide, trunk: two}}
  america: {{account: main, voice_url: 'http://h/3'}}
  desk: {{account: other, voice_url: 'http://h/4'}}
numbers:
  +13125550001: exact
  "+1312*": chicago
  "+1*": america
  "+1312555000?": america
  desk-*: desk
profiles:
  wide: {{rate: 48000}}
  board: {{}}
profile_patterns: {{"board *": board}}
trunks:
  one: {{proxy: sip.example.com}}
  two: {{dial_string: "sofia/texml/{{number}}@10.0.0.5"}}
  three: {{sofia_gateway: outside}}
default_trunk: one
sip: {{allowed_hosts: ["*.example.com", 10.0.0.5]}}
"""


@pytest.fixture(scope="module")
def settings() -> Settings:
    return loads(TEXT)


@pytest.mark.parametrize(
    ("number", "application"),
    [
        ("+13125550001", "exact"),
        ("13125550001", "exact"),
        ("+13125550002", "america"),  # seven digits and a ? beat four digits and a *
        ("+13129990000", "chicago"),
        ("+14155550000", "america"),
        ("desk-7", "desk"),
        ("DESK-7", None),
        ("+4930", None),
        ("", None),
        ("+1312*", "chicago"),  # a caller who dials a star finds what any number there finds
        ("desk-*", "desk"),
    ],
)
def test_the_most_specific_entry_decides_for_a_number(
    settings: Settings, number: str, application: str | None
) -> None:
    found = settings.application_for(number)
    assert (found.name if found else None) == application


def test_a_number_that_fits_nothing_goes_to_the_default_application() -> None:
    settings = loads(TEXT + "default_application: desk\n")
    found = settings.application_for("whatever")
    assert found is not None
    assert found.name == "desk"


def test_an_application_has_a_connection_id_of_digits_that_never_changes(settings: Settings) -> None:
    assert settings.applications["exact"].connection_id == loads(TEXT).applications["exact"].connection_id
    assert settings.applications["exact"].connection_id.isdigit()
    assert len({application.connection_id for application in settings.applications.values()}) == 4


def test_an_account_is_found_by_its_sid_and_by_each_of_its_keys(settings: Settings) -> None:
    account = settings.account(SID)
    assert account is not None
    assert settings.account_by_key("KEY2") is account
    assert settings.account_by_key("KEY3") is settings.accounts[1]
    assert settings.account_by_key("") is None
    assert settings.account_by_key("KEY") is None
    assert account.signing_seed == bytes(range(32))
    assert settings.accounts[1].signing_seed is None


def test_a_rooms_profile_follows_its_name_then_its_application_then_the_default(settings: Settings) -> None:
    chicago, exact = settings.applications["chicago"], settings.applications["exact"]
    assert settings.profile_for(chicago, "board of directors").name == "board"
    assert settings.profile_for(chicago, "room").name == "wide"
    assert settings.profile_for(exact, "room").name == "default"
    assert settings.profile_for(None, "room").name == "default"


def test_a_number_is_dialled_through_the_applications_trunk_else_the_default_one(
    settings: Settings,
) -> None:
    chicago, exact = settings.applications["chicago"], settings.applications["exact"]
    two, one = settings.trunk_for(chicago), settings.trunk_for(exact)
    assert two is not None
    assert one is not None
    number = two.read("(312) 555-0001", "US")
    assert two.dial(number) == "sofia/texml/+13125550001@10.0.0.5"
    assert one.dial(number) == "sofia/gateway/one/+13125550001"
    assert settings.trunks["three"].dial(number) == "sofia/gateway/outside/+13125550001"


@pytest.mark.parametrize("number", ["", "1,2", "1|2", "[a=b]1", "1 2", "1@evil.example", "1\n2", "${x}"])
def test_no_dial_string_is_made_of_a_text_that_is_no_number(settings: Settings, number: str) -> None:
    with pytest.raises(NotANumber):
        settings.trunks["two"].read(number, "US")


def test_sip_addresses_may_be_called_only_at_allowed_hosts(settings: Settings) -> None:
    assert settings.sip.allows("pbx.EXAMPLE.com")
    assert settings.sip.allows("10.0.0.5")
    assert not settings.sip.allows("example.com.evil.org")
    assert not settings.sip.allows("10.0.0.50")
    assert not Settings.model_fields["sip"].default.allows("anything")


def test_a_documents_voice_becomes_one_of_the_engines() -> None:
    speech = loads(TEXT).speech
    assert [speech.voice(asked).name for asked in ("man", "alice", "Polly.Joanna", "unheard-of")] == [
        "rms", "slt", "slt", "slt",
    ]  # fmt: skip


def test_another_engine_has_only_the_voices_it_is_given() -> None:
    text = (
        "speech: {engine: command, command: [tts, '{text_file}', '{out}', '{voice}'], default_voice: en%s}\n"
    )
    assert loads(TEXT + text % "").speech.voice("man").name == "en"
    assert loads(TEXT + text % ", voices: {man: en-m7}").speech.voice("man").name == "en-m7"
    german = loads(TEXT + text % ", voices: {man: en-m7, '* de-DE': de}").speech
    assert german.voice("man", "de-DE") == ("de", True)
    assert german.voice("woman") == ("en", False)


def test_flite_speaks_english_only_and_says_so() -> None:
    speech = loads(TEXT).speech
    assert speech.voice("man", "en-GB").as_asked
    assert not speech.voice("man", "de-DE").as_asked


def test_a_file_is_named_as_each_side_sees_it() -> None:
    settings = loads(
        TEXT + "freeswitch:\n  nodes: [{recordings_dir: /here/rec, recordings_dir_on_freeswitch: /there, "
        "media_dir: /m}]\n"
    )
    node = settings.freeswitch.nodes[0]
    assert node.path_on_freeswitch(Path("/here/rec/a.wav")) == Path("/there/a.wav")
    assert node.path_on_freeswitch(Path("/m/a.wav")) == Path("/m/a.wav")
    with pytest.raises(ValueError, match="no directory that FreeSWITCH sees"):
        node.path_on_freeswitch(Path("/etc/passwd"))


@pytest.mark.parametrize(
    "text", ["", "recordings:\n", "recordings: {url_lifetime_secs: null, retention_days: ~}\n"]
)
def test_recordings_stay_and_so_do_their_addresses_unless_it_is_set(text: str) -> None:
    recordings = loads(TEXT + text).recordings
    assert (recordings.url_lifetime_secs, recordings.retention_days) == (None, None)


def test_days_of_recordings_may_be_less_than_one() -> None:
    recordings = loads(TEXT + "recordings: {url_lifetime_secs: 600, retention_days: 0.5}\n").recordings
    assert (recordings.url_lifetime_secs, recordings.retention_days) == (600, 0.5)


def test_unwise_settings_get_advice() -> None:
    text = (
        f"accounts: [{{sid: {SID}, name: main, api_keys: [change-me]}}]\n"
        "web: {listen: '0.0.0.0:8080'}\nfreeswitch: {nodes: [{host: fs}]}\n"
    )
    assert [advice.split(":")[0] for advice in loads(text).advice()] == [
        "FreeSWITCH on fs still has the password that everybody knows",
        "web.listen is not loopback and the example's API key change-me is in use",
        "account main has no signing_key",
        "no number leads to an application",
    ]
    assert len(loads(text.replace("0.0.0.0", "127.0.0.1").replace("host: fs", "")).advice()) == 2


@pytest.mark.parametrize(
    ("listen", "taken"),
    [
        ("127.0.0.1:0", True),
        ("127.0.0.1:65535", True),
        ("[::1]:8080", True),
        ("127.0.0.1:65536", False),
        (":8080", False),
        ("127.0.0.1:", False),
        ("127.0.0.1", False),
        ("127.0.0.1:http", False),
    ],
)
def test_an_address_to_listen_on_has_a_host_and_a_port(listen: str, taken: bool) -> None:
    text = f"accounts: [{{sid: {SID}}}]\nweb: {{listen: '{listen}'}}\n"
    if taken:
        assert loads(text, environ={}).web.listen == listen
    else:
        with pytest.raises(ConfigErrors, match="listen"):
            loads(text, environ={})
