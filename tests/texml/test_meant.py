"""Names and words that are not known: the warning says what may have been meant, never for what is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.texml import Dial, Header, Headers, Number, Play, Sip, Uri, parse
from orchestrator.texml.callees import Sip as SipNoun
from orchestrator.texml.nearby import did_you_mean
from orchestrator.texml.not_built import NOT_BUILT
from orchestrator.texml.ring_tones import RING_TONES
from tests.texml.tables import DOCUMENTS
from tests.texml.test_values import ATTRIBUTES

# Telnyx: dial, ringTone; its Call Control API lists the same.
TELNYX_RING_TONES = """
at au be bg br ch cl cn cz de dk ee es fi fr gr hu il in it jp lt mx my nl no nz ph pl pt ru se sg th tw uk us
us-old ve za
"""


def messages(text: str) -> list[str]:
    return [warning.message for warning in parse(text).warnings]


def written(name: str, attribute: str) -> str:
    element = name.partition(".")[0]
    return DOCUMENTS[element].format(f'{attribute}="x"')


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_with_other_capitals_or_a_wrong_letter_is_recognised(name: str) -> None:
    attribute = name.partition(".")[2]
    if name.startswith("Header."):
        return
    for wrong in {attribute.upper(), attribute.swapcase()} - {attribute}:
        assert any(
            f"capitals count, did you mean {attribute}?" in message
            for message in messages(written(name, wrong))
        ), wrong
    if len(attribute) > 5:
        wrong = attribute[:3] + attribute[4:]
        assert any(f"did you mean {attribute}?" in one for one in messages(written(name, wrong))), wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<Dial><Conference statuscallback='/a'>R</Conference></Dial>",
            "unknown attribute, skipped; capitals count, did you mean statusCallback?",
        ),
        (
            "<Dial><Conference status_callback='/a'>R</Conference></Dial>",
            "unknown attribute, skipped; did you mean statusCallback?",
        ),
        (
            "<Dial><Conference startConferenceOnEntry='true'>R</Conference></Dial>",
            "unknown attribute, skipped; did you mean startConferenceOnEnter?",
        ),
        ("<Dial muted='true'>1</Dial>", "is no attribute of Dial but of Conference, skipped"),
        ("<Play xyzzy='1'>/a</Play>", "unknown attribute, skipped"),
        ("<Dail>1</Dail>", "unknown inside Response, skipped; did you mean Dial?"),
        ("<dial>1</dial>", "unknown inside Response, skipped; capitals count, did you mean Dial?"),
        ("<Dial><Conferense>R</Conferense></Dial>", "unknown inside Dial, skipped; did you mean Conference?"),
        ("<Whatever/>", "unknown inside Response, skipped"),
        ("<Enqueue>a</Enqueue>", "is not built, skipped"),
        ("<Dial><Client>a</Client></Dial>", "is not built, skipped"),
        (
            "<Dial><Conference beep='onEntry'>R</Conference></Dial>",
            "is not one of true, false, onEnter, onExit; did you mean onEnter?",
        ),
        (
            "<Dial><Conference record='record-from-strat'>R</Conference></Dial>",
            "is not one of do-not-record, record-from-start; did you mean record-from-start?",
        ),
        ("<Reject reason='reject'/>", "is not one of rejected, busy; did you mean rejected?"),
        ("<Redirect method='PSOT'>/a</Redirect>", "is not one of GET, POST; did you mean POST?"),
    ],
)
def test_a_warning_says_what_may_have_been_meant(text: str, message: str) -> None:
    assert message in messages(f"<Response>{text}</Response>")


@pytest.mark.parametrize("event", ["start", "end", "join", "leave", "mute", "hold", "modify"])
def test_the_name_of_a_callback_leads_to_that_of_its_subscription(event: str) -> None:
    for name in (f"participant-{event}", f"conference_{event}", event + event[-1]):
        document = (
            f"<Response><Dial><Conference statusCallbackEvent='{name}'>R</Conference></Dial></Response>"
        )
        assert any(f"did you mean {event}?" in message for message in messages(document)), name


@given(st.text(max_size=200))
def test_any_word_finds_a_known_word_or_none(word: str) -> None:
    assert did_you_mean(word, ["statusCallback", "muted", "GET"]) in ("", "statusCallback", "muted", "GET")


def test_a_known_word_gets_no_suggestion() -> None:
    for name in ATTRIBUTES:
        if not name.startswith("Header."):
            assert not [one for one in messages(written(name, name.partition(".")[2])) if "unknown" in one]
    for element in NOT_BUILT:
        found = messages(f"<Response><{element}/><Dial><{element}/></Dial></Response>")
        assert found == ["is not built, skipped"] * 2


def test_the_ring_tones_are_the_vendors() -> None:
    assert sorted(RING_TONES) == sorted(TELNYX_RING_TONES.split())
    assert len(RING_TONES) == 40
    for tone in RING_TONES.values():
        assert tone.frequencies
        assert all(300 <= hertz <= 500 for hertz in tone.frequencies)
        assert len(tone.cadence) in (2, 4)
        assert 2 <= tone.seconds <= 6


# A Conference beside attributes that are about numbers


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("record", "record-from-answer"),
        ("record", "true"),
        ("recordingChannels", "dual"),
        ("recordMaxLength", "60"),
        ("recordingStatusCallback", "/r"),
        ("recordingStatusCallbackMethod", "GET"),
        ("sendRecordingUrl", "false"),
        ("trim", "trim-silence"),
        ("callerId", "+13125550000"),
        ("fromDisplayName", "Me"),
        ("timeout", "10"),
        ("answerOnBridge", "true"),
        ("ringTone", "de"),
        ("sequential", "true"),
        ("audioUrl", "/a"),
    ],
)
def test_attributes_of_numbers_are_warned_about_beside_a_conference(attribute: str, value: str) -> None:
    text = f"<Response><Dial {attribute}='{value}'>{{}}</Dial></Response>"
    (message,) = messages(text.format("<Conference>R</Conference>"))
    assert message.startswith("has no effect: a Conference ")
    assert messages(text.format("<Number>1</Number>")) == []


def test_attributes_that_a_conference_uses_are_not_warned_about() -> None:
    text = "<Dial action='/a' method='GET' timeLimit='60' hangupOnStar='true' record='false' timeout='30'>"
    assert messages(f"<Response>{text}<Conference>R</Conference></Dial></Response>") == []


# Play


def test_a_ring_tone_is_played_in_place_of_audio() -> None:
    assert parse("<Response><Play ringTone='de' loop='2'/></Response>").verbs == (
        Play(ring_tone="de", loop=2),
    )
    assert messages("<Response><Play ringTone='de'>/a</Play></Response>") == [
        "has no effect: there is a URL to play"
    ]
    assert messages("<Response><Play digits='1' failoverUrl='/a'/></Response>") == [
        "has no effect: digits are sent instead"
    ]


# Sip


def sip(inside: str) -> tuple[SipNoun | None, list[str]]:
    document = parse(f"<Response><Dial>{inside}</Dial></Response>")
    (dial,) = document.verbs
    assert isinstance(dial, Dial)
    nouns = [noun for noun in dial.nouns if isinstance(noun, Sip)]
    return (nouns[0] if nouns else None), [warning.message for warning in document.warnings]


def test_an_address_brings_its_headers() -> None:
    noun, found = sip("<Sip>sip:a@b:5080;transport=tcp?X-A=1&amp;x-b=c%20d%2Ce&amp;User-to-user=0a%3D</Sip>")
    assert noun is not None
    assert found == []
    assert noun.address == "sip:a@b:5080;transport=tcp"
    assert noun.headers == (("X-A", "1"), ("x-b", "c d,e"), ("User-to-User", "0a="))


@pytest.mark.parametrize(
    "header",
    [
        "From=x",
        "Via=x",
        "Remote-Party-ID=x",
        "P-Asserted-Identity=x",
        "X-A%0d%0aVia=x",
        "X-A=x%0d%0aVia:%20y",
        "X-=x",
        "=x",
        "X A=x",
        "X-A:B=x",
        "X-%24%7Ba%7D=x",
    ],
)
def test_a_header_that_may_not_be_sent_is_left_out_by_name(header: str) -> None:
    noun, (message,) = sip(f"<Sip>sip:a@b?{header}&amp;X-Good=1</Sip>")
    assert noun is not None
    assert (noun.address, noun.headers) == ("sip:a@b", (("X-Good", "1"),))
    assert "headers that are not sent" in message


def test_too_many_headers_are_left_out() -> None:
    noun, (message,) = sip(f"<Sip>sip:a@b?X-A={'x' * 1024}</Sip>")
    assert noun is not None
    assert (noun.address, noun.headers) == ("sip:a@b", ())
    assert "1024" in message


def test_an_address_and_its_headers_may_be_elements() -> None:
    noun, found = sip(
        "<Sip statusCallback='/s'><Uri username='u' password='p'>sip:a@b?X-A=1</Uri>"
        "<Headers><Header name='X-B' value='2, 3'/><Header name='Via' value='x'/><Header value='y'/>"
        "</Headers></Sip>"
    )
    assert noun == Sip(
        status_callback="/s",
        parts=(
            Uri(address="sip:a@b?X-A=1", username="u", password="p"),
            Headers(headers=(Header(name="X-B", value="2, 3"),)),
        ),
    )
    assert noun.address == "sip:a@b"
    assert noun.headers == (("X-A", "1"), ("X-B", "2, 3"))
    assert noun.credentials == ("u", "p")
    assert len(found) == 3


def test_a_sip_without_an_address_is_skipped() -> None:
    assert sip("<Sip><Headers/></Sip>") == (None, ["has no address, skipped"])


def test_callees_may_be_dialled_one_after_the_other() -> None:
    (dial,) = parse(
        "<Response><Dial sequential='true'><Number>1</Number><Sip>sip:a@b</Sip></Dial></Response>"
    ).verbs
    assert dial == Dial(sequential=True, nouns=(Number(number="1"), Sip(uri="sip:a@b")))
