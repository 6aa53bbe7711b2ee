"""Profiles as mod_conference reads them."""

import pytest
from lxml import etree

from orchestrator.config import loads
from orchestrator.fsconfig.conference_profiles import conference_conf, parameters

ACCOUNT = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"


def rendered(profile: str) -> dict[str, str]:
    return dict(parameters(loads(f"{ACCOUNT}profiles: {{p: {{{profile}}}}}").profiles["p"]))


@pytest.mark.parametrize(
    ("profile", "parameter", "value"),
    [
        ("rate: 48000", "rate", "48000"),
        ("rate: auto", "rate", "auto"),
        ("interval: 60", "interval", "60"),
        ("channels: 1", "channels", "1"),
        ("energy_level: 300", "energy-level", "300"),
        ("auto_energy_level: 400", "auto-energy-level", "400"),
        ("auto_energy_seconds: 3", "auto-energy-seconds", "3"),
        ("max_energy_level: 2000", "max-energy-level", "2000"),
        ("max_energy_level_mute_ms: 500", "max-energy-level-mute-ms", "500"),
        ("auto_gain_level: 1000", "auto-gain-level", "1000"),
        ("auto_gain_low_energy_level: 100", "auto-gain-low-energy-level", "100"),
        ("auto_gain_margin: 50", "auto-gain-margin", "50"),
        ("auto_gain_change_factor: 3", "auto-gain-change-factor", "3"),
        ("auto_gain_period_len: 20", "auto-gain-period-len", "20"),
        ("comfort_noise: true", "comfort-noise", "1400"),
        ("comfort_noise: 300", "comfort-noise", "300"),
        ("comfort_noise: off", "comfort-noise", "0"),
        ("max_members: 10", "max-members", "10"),
        ("moh_sound: 'tone_stream://%(100,0,400)'", "moh-sound", "tone_stream://%(100,0,400)"),
        ("sound_prefix: /srv", "sound-prefix", "/srv"),
        ("sounds: {muted: m.wav}", "muted-sound", "m.wav"),
        ("sounds: {is_locked: m.wav}", "is-locked-sound", "m.wav"),
        ("sounds: {max_members: m.wav}", "max-members-sound", "m.wav"),
        ("member_flags: [nomoh, mute-detect]", "member-flags", "nomoh|mute-detect"),
        ("conference_flags: [audio-always]", "conference-flags", "audio-always"),
        ("timer_name: soft", "timer-name", "soft"),
        ("caller_id_name: Room", "caller-id-name", "Room"),
        ("tts_engine: flite", "tts-engine", "flite"),
        ("heartbeat_period_secs: 20", "heartbeat-period-sec", "20"),
        ("terminate_on_silence_secs: 60", "terminate-on-silence", "60"),
        ("endconf_grace_secs: 5", "endconf-grace-time", "5"),
    ],
)
def test_a_setting_becomes_its_parameter(profile: str, parameter: str, value: str) -> None:
    assert rendered(profile)[parameter] == value


def test_a_profile_without_settings_has_no_sounds_no_music_and_no_keys() -> None:
    found = rendered("")
    assert found["caller-controls"] == "none"
    assert int(found["energy-level"]) > 0
    assert not [name for name in found if "sound" in name or "moh" in name]


def test_a_limit_of_loudness_always_comes_with_its_trigger() -> None:
    """Symptom: FreeSWITCH dies when the first caller joins. Cause: with max-energy-level and no
    max-energy-hit-trigger, conference_new() gives NULL to atoi(). Fix: the trigger always comes with it.
    """
    assert rendered("max_energy_level: 2000")["max-energy-hit-trigger"] == "5"
    assert "max-energy-hit-trigger" not in rendered("")


def test_values_are_escaped() -> None:
    settings = loads(f"""{ACCOUNT}profiles: {{p: {{moh_sound: 'a"b<c>&d'}}}}""")
    text = etree.tostring(conference_conf(settings.profiles))
    assert set(etree.fromstring(text).xpath("//param[@name='moh-sound']/@value")) == {'a"b<c>&d'}


def test_a_room_in_which_nobody_asks_who_speaks_gets_no_such_event() -> None:
    root = conference_conf(loads(ACCOUNT).profiles)
    suppressed = {
        profile.get("name"): profile.find("param[@name='suppress-events']").get("value").split(",")
        for profile in root.iter("profile")
    }
    assert set(suppressed) == {"texml.default", "texml.default.quiet", "texml.default.floor"}
    assert "start-talking" in suppressed["texml.default.quiet"]
    assert "start-talking" not in suppressed["texml.default"]
    assert "floor-change" in suppressed["texml.default"]
    assert not {"start-talking", "floor-change"}.intersection(suppressed["texml.default.floor"])
    assert not any("add-member" in names or "del-member" in names for names in suppressed.values())


def test_keys_become_a_group_and_muting_is_left_to_the_room() -> None:
    settings = loads(f"""{ACCOUNT}profiles: {{p: {{caller_controls: {{"0": mute, "#": hangup}}}}}}""")
    root = conference_conf(settings.profiles)
    (group,) = root.findall("caller-controls/group[@name='keys.p']")
    assert [dict(control.attrib) for control in group] == [
        {"digits": "0", "action": "event", "data": "key mute"},
        {"digits": "#", "action": "hangup"},
    ]
    found = {
        param.get("name"): param.get("value") for param in root.find("profiles/profile[@name='texml.p']")
    }
    assert (found["caller-controls"], found["ivr-dtmf-timeout"]) == ("keys.p", "500")
    assert "dtmf" not in found["suppress-events"].split(",")


def test_the_group_of_keys_exists_and_is_empty() -> None:
    """Without it FreeSWITCH would bind its default keys: 0 mutes, # hangs up."""
    group = conference_conf({}).find("caller-controls/group[@name='none']")
    assert group is not None
    assert len(group) == 0
