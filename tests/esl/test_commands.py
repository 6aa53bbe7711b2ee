"""Nothing from outside becomes syntax. The rules are FreeSWITCH's own; `test_real_freeswitch` tries them on
one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.esl import commands
from orchestrator.esl.commands import DialTarget

UUID = "8403fb83-fef9-4c6a-8f50-7b6e2b09f977"
NASTY = st.text(
    st.one_of(
        st.sampled_from("'\"\\{}[]()<>|,;=^$:~!#+ \n\r\0\u2028\u0085anrst"), st.characters(codec="utf-8")
    ),
    max_size=40,
)


def separate(text: str, delimiter: str, limit: int) -> list[str]:
    """separate_string_char_delim() and cleanup_separated_string() of switch_utils.c, as they stand there."""
    parts, start, i, quoted = [], 0, 0, False
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == "'" and (quoted or "'" in text[i + 1 :]):
            quoted = not quoted
        elif text[i] == delimiter and not quoted:
            parts.append(text[start:i])
            start = i + 1
            if len(parts) == limit - 1:
                break
        i += 1
    parts.append(text[start:])
    return [_cleanup(part, delimiter) for part in parts]


def _cleanup(text: str, delimiter: str) -> str:
    text = text.lstrip(" ")
    out, end, i, quoted = "", 0, 0, False
    while i < len(text):
        c = text[i]
        if c == "\\" and i + 1 < len(text) and (text[i + 1] in "'\"\\nrts" or text[i + 1] == delimiter):
            i += 1
            out += (
                {"n": "\n", "r": "\r", "t": "\t", "s": " "}.get(text[i], text[i])
                if text[i] != delimiter
                else delimiter
            )
            end = len(out)
        elif c == "'" and (quoted or "'" in text[i + 1 :]):
            quoted = not quoted
            if quoted:
                end = len(out)
        else:
            out += c
            if c != " " or quoted:
                end = len(out)
        i += 1
    return out[:end]


@given(NASTY)
def test_an_argument_is_one_header_line_or_a_body_or_refused(arg: str) -> None:
    try:
        data = commands.wire(commands.execute(UUID, "speak", arg, "e"))
    except ValueError:
        assert "$" in arg
        return
    head, _, rest = data.partition(b"\n\n")
    assert not rest or b"Content-Length" in head
    assert b"\r" not in data
    assert b"\0" not in data
    names = [line.partition(b":")[0] for line in head.split(b"\n")]
    assert names in (
        [b"sendmsg " + UUID.encode(), b"call-command", b"execute-app-name", b"Event-UUID"],
        [
            b"sendmsg " + UUID.encode(),
            b"call-command",
            b"execute-app-name",
            b"Event-UUID",
            b"execute-app-arg",
        ],
    )


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), NASTY, min_size=1, max_size=6))
def test_multiset_arrives_as_the_variables_that_were_meant_or_is_refused(variables: dict[str, str]) -> None:
    try:
        arg = commands.multiset(variables)
    except ValueError:
        assert any("$" in value or "\\" in value for value in variables.values())
        return
    assert arg[:2] == "^^"
    arrived = dict(part.split("=", 1) for part in separate(arg[3:], arg[2], 256))
    assert arrived == {name: commands.one_line(value) for name, value in variables.items()}


def test_multiset_takes_a_delimiter_that_is_in_no_value() -> None:
    assert commands.multiset({"a": "1", "b": "x=y"}) == "^^;a=1;b=x=y"
    assert commands.multiset({"a": "1;2", "b": "3"}) == "^^|a=1;2|b=3"


@pytest.mark.parametrize("value", ["${system(touch /tmp/x)}", "$${x}", "a$\\{x}", "back\\slash"])
def test_multiset_refuses_what_set_would_expand_even_with_expansion_off(value: str) -> None:
    """SYMPTOM a caller's name could run a shell command although app_disable_expand_variables=true was set.
    CAUSE base_set() in mod_dptools.c expands for itself. FIX such a value is refused, by name."""
    with pytest.raises(ValueError, match=r"^name: "):
        commands.multiset({"name": value})


@pytest.mark.parametrize("app", ["set", "playback", "speak", "bridge"])
def test_no_application_gets_anything_to_expand(app: str) -> None:
    with pytest.raises(ValueError, match="expand"):
        commands.execute(UUID, app, "x${uuid}")


def test_words_that_would_reload_the_event_socket_travel_in_a_body() -> None:
    """SYMPTOM the text 'reload mod_event_socket' in a <Say> ended every connection to FreeSWITCH. CAUSE
    parse_command() in mod_event_socket.c looks for these words in the whole text of any command. FIX such an
    argument goes as a body, which it does not look at; any other command with them is refused."""
    command = commands.execute(UUID, "speak", "flite|slt|please ReLoad MOD_event_socket", "e")
    head, _, body = commands.wire(command).partition(b"\n\n")
    assert b"mod_event_socket" not in head.lower()
    assert head.endswith(b"Content-Length: 40")
    assert body == b"flite|slt|please ReLoad MOD_event_socket\n\n"[: 41 + 2]
    with pytest.raises(ValueError, match="reload"):
        commands.wire("api uuid_setvar x y unload%mod_event_socket")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "\n",
        "api x\n\napi y",
        "api x\n",
        "api x\ry",
        "api x\0y",
        " api",
        "sendmsg x\nContent-Length: 1\n\nab",
    ],
)
def test_a_text_of_more_than_one_command_is_refused(command: str) -> None:
    with pytest.raises(ValueError, match="one command"):
        commands.wire(command)


@given(NASTY)
def test_a_shared_dial_variable_arrives_as_it_was_but_for_the_apostrophe_or_is_refused(value: str) -> None:
    try:
        dial = commands.dial_string([DialTarget("user/1000")], {"a": "1", "name": value, "z": "2"})
    except ValueError:
        assert any(syntax in value for syntax in ("$", "\\", "{", "}", ":_:"))
        return
    inside, _, rest = dial[1:].partition("}")
    assert rest == "user/1000"
    arrived = dict(separate(part, "=", 2) for part in separate(inside, ",", 1024))
    assert {k: v.strip() for k, v in arrived.items()} == {
        "a": "1", "name": commands.one_line(value).strip().replace("'", "\u2019"), "z": "2"
    }  # fmt: skip


@pytest.mark.parametrize("value", ["a,b", "x]y", "o'b", "a|b", "b\\s", "${x}", "a=b", "^^:", "a:_:b", " a"])
def test_a_destinations_own_variable_with_syntax_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"^v: "):
        commands.dial_string([DialTarget("user/1000", {"v": value})])


@pytest.mark.parametrize(
    "endpoint",
    [
        "1000",
        "user/a b",
        "user/a,user/b",
        "user/a|b",
        "{x=y}user/a",
        "user/${x}",
        "user/a:_:user/b",
        "user/a\n",
        "user/a[x=y]",
        "user/[x=y]user/b",
        "sofia/p/a@[::1],user/b",
        "sofia/p/a@[::1][x=y]",
        "sofia/p/a@[::1]user/b",
        "sofia/p/a@[x=y]",
        "sofia/p/a[::1]",
    ],
)
def test_a_text_that_is_not_one_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        commands.dial_string([DialTarget(endpoint)])


@pytest.mark.parametrize("after", ["", ":5060", ":5060;transport=tcp"])
def test_a_host_may_be_an_ipv6_address(after: str) -> None:
    endpoint = f"sofia/texml/a@[2001:db8::7]{after}"
    assert commands.dial_string([DialTarget(endpoint, {"a": "1"})]) == f"[a=1]{endpoint}"


def test_a_dial_string_names_all_its_destinations() -> None:
    legs = [DialTarget("user/1", {"a": "1"}), DialTarget("sofia/gateway/g/+1;x=y")]
    assert commands.dial_string(legs, {"n": "A, B"}) == "{n=A\\, B}[a=1]user/1,sofia/gateway/g/+1;x=y"
    assert commands.dial_string(legs, one_by_one=True) == "[a=1]user/1|sofia/gateway/g/+1;x=y"


@pytest.mark.parametrize("word", ["a b", "", "a'b", 'a"b', "a\\b", "a\nb", "${x}", "^^:x", "a\u2028b"])
def test_a_conference_command_takes_single_words_only(word: str) -> None:
    with pytest.raises(ValueError, match="word"):
        commands.conference("CF1", "play", word)


@pytest.mark.parametrize("uuid", ["", "a b", "a\nb", "a all", "../x", "a,b"])
def test_only_an_identifier_is_an_identifier(uuid: str) -> None:
    for command in (commands.break_, commands.kill, commands.exists, commands.dump):
        with pytest.raises(ValueError, match="not a uuid"):
            command(uuid)
    with pytest.raises(ValueError, match="not a uuid"):
        commands.execute(uuid, "answer")


def test_the_simple_commands_read_as_recorded() -> None:
    assert commands.conference("CF1", "kick", "219") == "api conference CF1 kick 219"
    assert commands.kill("u", "USER_BUSY") == "api uuid_kill u USER_BUSY"
    assert commands.execute("u", "answer") == "sendmsg u\ncall-command: execute\nexecute-app-name: answer"
    assert commands.setvar("u", "a", "it's b") == "api uuid_setvar u a it\\'s\\sb"
    assert commands.originate("{a=b c}user/1") == "originate {a=b\\sc}user/1 &park()"


def test_speakable_text_has_no_syntax() -> None:
    text = commands.speakable("a|b\\n ${x}\nreload mod_event_socket")
    assert text == "a b n $ {x} reload mod event socket"


def test_nothing_spoken_is_an_application_of_an_inline_dialplan() -> None:
    """SYMPTOM what follows a comma in a Say was run by FreeSWITCH. CAUSE an INVITE with Replaces repeats
    `speak:<text>` as an inline dialplan. FIX no commas; and 1,000 is still a thousand."""
    assert commands.speakable("hi,system:x, 1,000,000 or 1,0000") == "hi;system:x; 1000000 or 1;0000"


def test_a_command_of_any_length_is_not_sent() -> None:
    """mod_event_socket reads a command byte by byte and sends no event until it is whole."""
    with pytest.raises(ValueError, match="bytes"):
        commands.wire(commands.execute(UUID, "speak", "x" * commands.MAX_COMMAND_BYTES))
    with pytest.raises(ValueError, match="not an endpoint"):
        commands.dial_string([DialTarget("sofia/a/" + "x" * commands.MAX_ENDPOINT)])
    with pytest.raises(ValueError, match="cannot stand"):
        commands.dial_string([DialTarget("user/1", {"sip_auth_username": "x" * 1000})])


def test_a_leg_with_an_id_of_somebody_elses_choice_can_be_hung_up() -> None:
    assert (
        commands.kill_any("17@pbx.example", "CALL_REJECTED") == "api uuid_kill 17@pbx.example CALL_REJECTED"
    )


@pytest.mark.parametrize("unique_id", ["", "a b", "a\nb", "'a'", '"a"', "${uuid}"])
def test_one_that_is_no_word_cannot(unique_id: str) -> None:
    with pytest.raises(ValueError, match="not one word"):
        commands.kill_any(unique_id, "CALL_REJECTED")
