"""Any text in a command: one command comes out, or a ValueError. FreeSWITCH's own parsing,
written down from its source, is the judge."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.esl import commands
from orchestrator.esl.commands import DialTarget
from orchestrator.numbering.caller_id import ANONYMOUS, caller_id_of
from orchestrator.numbering.phone import NotANumber
from orchestrator.routing.endpoints import SIP_URI
from tests.fuzz.profile import FUZZ

UUID = "8403fb83-fef9-4c6a-8f50-7b6e2b09f977"
SIGNS = "'\"\\{}[]()<>|,;=^$:~!#+%&@/ \n\r\0\t\u2028\u0085\x1b\ud800"
PARTS = st.one_of(
    st.sampled_from(
        [*SIGNS, "${", "$\\{", "$${", "^^:", ":_:", "\n\n", "mod_event_socket", "reload", "sendmsg "]
    ),
    st.sampled_from(
        ["Content-Length: 9", "system", "touch x", "Content-Type: text/plain", "api ", "&park()", "-"]
    ),
    st.text(max_size=4),
)
TEXT = st.lists(PARTS, max_size=12).map("".join)


def commands_of(data: bytes) -> list[tuple[list[bytes], bytes]]:
    """read_packet() of mod_event_socket.c: lines up to an empty one, and a body where a length is named."""
    found = []
    while data:
        head, end, data = data.partition(b"\n\n")
        assert end, "a command without its end"
        lines = head.split(b"\r" if b"\r" in head else b"\n")
        length = 0
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value.strip())
        body, data = data[:length], data[length:]
        assert len(body) == length
        found.append((lines, body))
        # The end that wire() gives every command; a body is followed by it too.
        data = data.removeprefix(b"\n\n") if length else data
    return found


def only(data: bytes) -> tuple[list[bytes], bytes]:
    (command,) = commands_of(data)
    return command


def is_expanded(text: bytes) -> bool:
    """switch_string_var_check_const() of switch_utils.h: `$`, any backslashes, `{`."""
    dollar = False
    for byte in text:
        if dollar and byte == 0x7B:
            return True
        if byte == 0x24:
            dollar = True
        elif byte != 0x5C:
            dollar = False
    return False


def built(make: Callable[[], str]) -> bytes | None:
    try:
        return commands.wire(make())
    except ValueError:
        return None


@FUZZ
@given(st.sampled_from(["speak", "playback", "bridge", "set", "record"]), TEXT, st.booleans())
@example("speak", "reload mod_event_socket\n\napi x", True)
def test_an_application_gets_its_one_argument(app: str, text: str, identified: bool) -> None:
    data = built(lambda: commands.execute(UUID, app, text, "e" if identified else ""))
    if data is None:
        assert "$" in text
        return
    lines, body = only(data)
    names = [line.partition(b":")[0] for line in lines]
    assert names[:3] == [b"sendmsg " + UUID.encode(), b"call-command", b"execute-app-name"]
    assert set(names[3:]) <= {b"Event-UUID", b"execute-app-arg", b"Content-Type", b"Content-Length"}
    assert len(names) == len(set(names))
    argument = body or b"".join(line[16:] for line in lines if line.startswith(b"execute-app-arg:"))
    assert not is_expanded(argument)
    assert b"\0" not in data
    head = b"\n".join(lines).lower()
    assert not (b"mod_event_socket" in head and (b"reload" in head or b"unload" in head))


@FUZZ
@given(TEXT)
def test_spoken_text_is_the_last_of_three_parts_and_no_dialplan(text: str) -> None:
    spoken = commands.speakable(text)
    data = built(lambda: commands.execute(UUID, "speak", f"flite|kal|{spoken}"))
    assert data is not None
    assert spoken.isprintable() or "\ud800" in spoken or not set(spoken) & set("|,\\\n\r\0")
    assert not set(spoken) & set("|,\\\n\r\0")


@FUZZ
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_a_conference_command_has_as_many_words_as_were_given(words: list[str]) -> None:
    data = built(lambda: commands.conference(UUID, *words))
    if data is not None:
        lines, body = only(data)
        assert lines == [
            b"api conference " + b" ".join([UUID.encode(), *(w.encode("utf-8", "replace") for w in words)])
        ]
        assert not body


@FUZZ
@given(TEXT, TEXT)
def test_a_variable_is_set_to_its_value_and_no_other(name: str, value: str) -> None:
    data = built(lambda: commands.setvar(UUID, name, value))
    if data is not None:
        (line,), body = only(data)
        assert not body
        assert line.startswith(f"api uuid_setvar {UUID} {name}".encode("utf-8", "replace"))
        # switch_separate_string at blanks leaves three words, or two for an empty value.
        assert line.count(b" ") <= 4
        assert not is_expanded(line)


def legs_of(dial: str) -> list[str]:
    """switch_ivr_originate.c: braces first, then `:_:`, `|` and `,` outside of brackets."""
    # It makes several originates of one, in the variables too.
    assert ":_:" not in dial
    if dial.startswith("{"):
        dial = dial[dial.index("}") + 1 :]
    legs, depth, leg = [], 0, ""
    for sign in dial:
        depth += (sign == "[") - (sign == "]")
        if sign in ",|" and not depth:
            legs.append(leg)
            leg = ""
        else:
            leg += sign
    return [*legs, leg]


def split_variables(text: str) -> list[str]:
    """At commas without a backslash before them."""
    parts, part, at = [], "", 0
    while at < len(text):
        if text[at] == "\\":
            part += text[at : at + 2]
            at += 2
            continue
        if text[at] == ",":
            parts.append(part)
            part = ""
        else:
            part += text[at]
        at += 1
    return [*parts, part]


@FUZZ
@given(TEXT, TEXT, TEXT, st.integers(1, 3))
@example("x", "a:_:b", "c", 1)
@example("x", "a", "b:_:sofia/texml/y", 1)
@example("x:_:y", "a", "b", 2)
def test_a_dial_string_has_the_legs_and_the_variables_that_were_meant(
    endpoint: str, shared: str, own: str, count: int
) -> None:
    destinations = [DialTarget(f"sofia/texml/{endpoint}", {"sip_auth_username": own})] * count
    try:
        dial = commands.dial_string(destinations, {"a": shared, "b": "1"})
        data = commands.wire(commands.execute(UUID, "bridge", dial))
    except ValueError:
        return
    only(data)
    assert split_variables(dial[1 : dial.index("}")])[1:] == ["b=1"]
    assert len(legs_of(dial)) == count
    for leg in legs_of(dial):
        assert leg == f"[sip_auth_username={own}]sofia/texml/{endpoint}"
    assert "'" not in dial
    assert dial.count("{") == dial.count("}") == 1


@FUZZ
@given(TEXT)
@example("::_:_:")
def test_a_caller_id_is_always_fit_for_a_dial_string(text: str) -> None:
    try:
        shown = caller_id_of(text, "US")
    except NotANumber:
        shown = ANONYMOUS
    dial = commands.dial_string([DialTarget("user/1")], {"origination_caller_id_number": shown})
    assert dial == f"{{origination_caller_id_number={shown}}}user/1"
    assert "%" not in dial


@FUZZ
@given(TEXT, st.sampled_from(["127.0.0.1", "a.example.com", "evil.com"]), TEXT)
def test_a_sip_address_that_is_let_through_is_an_endpoint_at_its_host(
    user: str, host: str, rest: str
) -> None:
    match = SIP_URI.fullmatch(f"sip:{user}@{host}{rest}")
    if match is None:
        return
    assert match["host"].startswith(host)
    assert not set(match["host"]) & set(":@;?%/[]")
    endpoint = f"sofia/texml/{match['user']}@{match['host']}"
    assert commands.dial_string([DialTarget(endpoint)]) == endpoint
