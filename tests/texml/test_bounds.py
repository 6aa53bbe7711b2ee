"""Each bound of a text or a number: the last value within it, and the first beyond."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.texml import converters as to
from orchestrator.texml.converters import Adjusted, Unusable
from orchestrator.texml.ring_tones import RING_TONES
from orchestrator.texml.sip_uri import header_name, header_value, sip_uri, split_headers

SIP = "sip:a@b?X-A="
# How it is read, how many characters it has at most, a text of that length, and what is said beyond.
LONGEST: list[tuple[Callable[[str], object], int, str, str]] = [
    (to.url, 8192, "http://h/".ljust(8192, "a"), "is longer than 8192 characters"),
    (to.keys("0123456789"), 256, "1" * 256, "is longer than 256 keys"),
    (to.display_name, 128, "a" * 128, "is longer than 128 characters"),
    (to.participant_label, 128, "a" * 128, "is longer than 128 characters"),
    (to.room_name, 128, "a" * 128, "is longer than 128 characters"),
    (header_value, 1024, "a" * 1024, "is longer than 1024 characters"),
]


@pytest.mark.parametrize(("convert", "most", "longest", "said"), LONGEST)
def test_a_text_is_as_long_as_may_be_and_no_character_longer(
    convert: Callable[[str], object], most: int, longest: str, said: str
) -> None:
    assert len(longest) == most
    assert convert(longest) == longest
    assert convert(f" {longest}\n") == longest, "the white space around it does not count"
    with pytest.raises(Unusable, match=said):
        convert(longest + longest[-1])


def test_a_spoken_text_is_cut_and_headers_of_an_address_that_are_too_long_are_left_out() -> None:
    assert to.spoken("a" * 4096) == "a" * 4096
    with pytest.raises(Adjusted, match="is longer than 4096 characters, cut") as cut:
        to.spoken("a" * 4097)
    assert cut.value.value == "a" * 4096
    fits = SIP.ljust(len("sip:a@b?") + 1024, "1")
    assert sip_uri(fits) == fits
    with pytest.raises(Adjusted, match="more than 1024 characters of headers, none is sent") as left_out:
        sip_uri(fits + "1")
    assert left_out.value.value == "sip:a@b"


@given(st.integers(-(10**20), 10**20), st.integers(0, 50), st.integers(0, 50), st.booleans())
def test_a_number_is_used_within_its_bounds_and_too_high_becomes_the_highest(
    number: int, low: int, more: int, clamps: bool
) -> None:
    high = low + more
    convert = to.whole(low, high, clamp_low=clamps)
    if low <= number <= high:
        assert convert(f" {number} ") == number
    elif number > high or clamps:
        with pytest.raises(Adjusted) as adjusted:
            convert(str(number))
        assert adjusted.value.value == (high if number > high else low)
        assert str(adjusted.value) == f"is not between {low} and {high}"
    else:
        with pytest.raises(Unusable, match=f"is not between {low} and {high}"):
            convert(str(number))


@pytest.mark.parametrize("bound", [(0, 14400), (1, 86400), (5, 600)])
def test_both_bounds_are_within(bound: tuple[int, int]) -> None:
    low, high = bound
    convert = to.whole(low, high)
    assert [convert(str(each)) for each in (low, low + 1, high - 1, high)] == [low, low + 1, high - 1, high]
    with pytest.raises(Adjusted):
        convert(str(high + 1))
    with pytest.raises(Unusable):
        convert(str(low - 1))


NAMES = {
    "X-Case": "X-Case",
    "x-a": "x-a",
    "X-" + "a" * 60: "X-" + "a" * 60,
    "user-to-user": "User-to-User",
    "P-PREFERRED-IDENTITY": "P-Preferred-Identity",
    " p-called-party-id ": "P-Called-Party-ID",
}
REFUSED = [
    "X-" + "a" * 61,
    "X-",
    "Case",
    "Remote-Party-ID",
    "From",
    "X-A:B",
    "X-A\nB",
    "",
    "X_A",
    "P-Asserted-Identity",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_header_that_may_be_sent_has_its_usual_spelling(name: str) -> None:
    assert header_name(name) == NAMES[name]
    assert sip_uri(f"sip:a@b?{name.strip()}=1") == f"sip:a@b?{name.strip()}=1"
    assert split_headers(f"sip:a@b?{name.strip()}=1%202&X-Z=3") == (
        "sip:a@b",
        ((NAMES[name], "1 2"), ("X-Z", "3")),
    )


@pytest.mark.parametrize("name", REFUSED)
def test_no_other_header_is_sent_and_the_rest_of_the_address_stays(name: str) -> None:
    with pytest.raises(Unusable):
        header_name(name)
    for pairs, rest in ((f"{name}=1", "sip:a@b"), (f"X-A=1&{name}=1&X-B=2", "sip:a@b?X-A=1&X-B=2")):
        with pytest.raises(Adjusted, match="has headers that are not sent") as adjusted:
            sip_uri(f"sip:a@b?{pairs}".replace("\n", "%0A"))
        assert adjusted.value.value == rest


def test_a_ring_is_as_long_as_its_sound_and_its_silence() -> None:
    for code, tone in RING_TONES.items():
        assert tone.seconds * 1000 == sum(tone.cadence), code
        assert len(tone.cadence) % 2 == 0, "sound and silence in turn"
        assert all(300 <= hertz <= 500 for hertz in tone.frequencies), "telephones' tones"
        assert 3.0 <= tone.seconds <= 6.0, "of a ring and its silence"
