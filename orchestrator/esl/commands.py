"""The one module that escapes: any text -> commands without a second meaning.

How FreeSWITCH 1.10.12 takes a command apart (read in its source, tried on a running one):

- mod_event_socket.c, read_packet(): a command ends at an empty line. Its lines end at the first \\r or, where
  there is none in the whole command, \\n; a header's value loses leading spaces, nothing is URL-decoded. A
  Content-Length header brings a body, and switch_ivr.c, switch_ivr_parse_event() takes it for the argument
  when execute-app-arg is absent and Content-Type is text/plain.
- mod_event_socket.c, parse_command(): a command with "reload" or "unload" and "mod_event_socket" ANYWHERE in
  its text outside such a body, an application's argument included, reloads the event socket instead of being
  run.
- mod_dptools.c, base_set(): `set`, `multiset`, `export` … expand `${…}` even where
  app_disable_expand_variables is true.
- switch_utils.c, switch_separate_string(): quotes ' and escapes with \\; an escaped n, r, t or s is another
  character.
- switch_event.c, switch_event_create_brackets(): `{a=b,c=d}` is cut at the closing brace, whatever is quoted,
  then split at `,` and each part at `=`, and both splits unescape. switch_ivr_originate.c splits `[…]` four
  times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
_WORD: Final = re.compile(r"[A-Za-z0-9_.:+-]+")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_GLOBAL_VALUE: Final = re.compile(r"[A-Za-z0-9_.:+|-]+")
_APPLICATION: Final = re.compile(r"[a-z][a-z0-9_]*")
# A host may be an IPv6 address: brackets around that are no syntax, those at a leg's beginning are.
_ENDPOINT: Final = re.compile(
    r"[A-Za-z0-9_]+/[^\s,|\\'\"\[\]{}<>^$`\x00-\x1f\x7f]+"
    r"(?:(?<=@)\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?(?:;transport=[A-Za-z]+)?)?"
)
# Characters that no layer of a `[…]` treats as syntax.
_PLAIN: Final = re.compile(r"[^,|\\'\"\[\]{}<>^$=\x00-\x1f\x7f]*")
_EXPANDED: Final = re.compile(r"\$\\*\{")
_NO_WORD: Final = re.compile(r"[\s'\"\\\x00-\x1f\x7f]|\$\\*\{")
_THOUSANDS: Final = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
# mod_event_socket.c reads a command byte by byte, and sends no event meanwhile; FreeSWITCH sends an argument
# back in two events.
MAX_COMMAND_BYTES: Final = 64 * 1024
MAX_ENDPOINT: Final = 512
MAX_OWN_VALUE: Final = 256
_DELIMITERS: Final = ";|~!#+,"
# multiset_function() in mod_dptools.c splits into 256 and leaves the remainder unsplit in the last.
_MAX_VARIABLES: Final = 255


def one_line(text: str) -> str:
    """`text` with each run of control characters and line ends as one space: fit for a header or a log
    line."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def speakable(text: str) -> str:
    """`text` as the last part of `speak`'s `engine|voice|text`: one line, no separator, nothing to expand or
    escape.

    No comma either: an INVITE with Replaces makes FreeSWITCH run `answer,speak:<text>` on the new leg as an
    inline dialplan, where a comma starts the next application (sofia.c, sofia_handle_sip_i_invite_replaces).
    """
    text = _THOUSANDS.sub("", one_line(text)).replace(",", ";")
    text = text.replace("|", " ").replace("\\", " ").replace("${", "$ {")
    return re.sub("mod_event_socket", "mod event socket", text, flags=re.IGNORECASE)


CLOSE_ALL_SOCKETS: Final = "api reload mod_event_socket"
"""FreeSWITCH ends every event socket, this one too; its calls go on. Any other such command is a mistake."""


def wire(command: str) -> bytes:
    """A command as it goes over the socket. Raises `ValueError` when it would not arrive as that one
    command."""
    head, blank, body = command.partition("\n\n")
    if not head or head[0] in " \n" or head.endswith("\n") or "\r" in command or "\0" in command:
        raise ValueError(f"not one command: {command[:120]!r}")
    if _is_reload(head) and command != CLOSE_ALL_SOCKETS:
        raise ValueError(f"FreeSWITCH would reload its event socket: {command[:120]!r}")
    data = command.encode("utf-8", "replace")
    if len(data) > MAX_COMMAND_BYTES:
        raise ValueError(f"a command of {len(data)} bytes: {command[:120]!r}")
    if blank and not head.endswith(f"\nContent-Length: {len(body.encode('utf-8', 'replace'))}"):
        raise ValueError(f"not one command: {command[:120]!r}")
    return data + b"\n\n"


def execute(uuid: str, app: str, arg: str = "", event_uuid: str = "") -> str:
    """`sendmsg`: run an application on a leg. Raises `ValueError` for an argument that FreeSWITCH would
    expand."""
    if not _APPLICATION.fullmatch(app):
        raise ValueError(f"not an application: {app!r}")
    head = f"sendmsg {_word('uuid', uuid)}\ncall-command: execute\nexecute-app-name: {app}"
    if event_uuid:
        head += f"\nEvent-UUID: {_word('event uuid', event_uuid)}"
    if not arg:
        return head
    arg = _argument(app, arg)
    if _is_reload(arg):
        # A body is no part of the text in which parse_command() looks for these words.
        length = len(arg.encode("utf-8", "replace"))
        return f"{head}\nContent-Type: text/plain\nContent-Length: {length}\n\n{arg}"
    return f"{head}\nexecute-app-arg: {arg}"


def api(*words: str) -> str:
    """`api` with single words: none may hold a space, a quote, a backslash or anything to expand."""
    return "api " + " ".join(_api_word(word) for word in words)


def break_(uuid: str) -> str:
    """End what plays on the leg now.

    Not `uuid_break … all`: that also throws away what is queued on the leg, a `multiset` or `answer` as well,
    for which no CHANNEL_EXECUTE_COMPLETE ever comes (mod_commands.c, break_function).
    """
    return f"api uuid_break {_word('uuid', uuid)}"


def kill(uuid: str, cause: str = "NORMAL_CLEARING") -> str:
    """Hang up a leg in whatever state it is."""
    return f"api uuid_kill {_word('uuid', uuid)} {_word('cause', cause)}"


def kill_any(unique_id: str, cause: str) -> str:
    """The same for a leg whose Unique-ID may be the Call-ID of its caller. Raises ValueError where that is no
    single word."""
    if not unique_id or _NO_WORD.search(unique_id):
        raise ValueError(f"not one word: {unique_id!r}")
    return f"api uuid_kill {unique_id} {_word('cause', cause)}"


def ring(uuid: str) -> str:
    """Send 180 Ringing to an inbound leg, at once; nothing where it has media, is answered or is gone."""
    return f"api uuid_ring_ready {_word('uuid', uuid)}"


def to_park(uuid: str) -> str:
    """Out of its bridge and into park: the other leg's `bridge` ends, and that leg lives on."""
    return f"api uuid_transfer {_word('uuid', uuid)} park inline"


def exists(uuid: str) -> str:
    """Answers `true` or `false`."""
    return f"api uuid_exists {_word('uuid', uuid)}"


def dump(uuid: str) -> str:
    """Every header and variable of a leg as JSON."""
    return f"api uuid_dump {_word('uuid', uuid)} json"


def setvar(uuid: str, name: str, value: str) -> str:
    """Set a variable at once, without waiting for the leg's turn, and without expansion (unlike `set`)."""
    return (
        f"api uuid_setvar {_word('uuid', uuid)} {_variable(name)} {_quoted(_argument(name, value))}".rstrip()
    )


def getvar(uuid: str, name: str) -> str:
    """Answers the value, or `_undef_`."""
    return f"api uuid_getvar {_word('uuid', uuid)} {_variable(name)}"


def forget_global(name: str) -> str:
    """Unset a global variable."""
    return f"api global_setvar {_variable(name)}="


def get_global(name: str) -> str:
    """Answers its value, or nothing."""
    return f"api global_getvar {_variable(name)}"


def set_global(name: str, value: str) -> str:
    """Set a global variable, whatever it was."""
    return f"api global_setvar {_variable(name)}={_global_value(value)}"


def swap_global(name: str, expected: str, value: str) -> str:
    """Set a global variable if it has the value `expected`; the answer does not say whether it had."""
    return f"api global_setvar {_variable(name)}={_global_value(value)}={_global_value(expected)}"


def send_dtmf(uuid: str, digits: str) -> str:
    """Send digits to the leg's far end: 0-9 A-D * # and w, W for pauses."""
    if not re.fullmatch(r"[0-9A-Da-d*#wW]+", digits):
        raise ValueError(f"not DTMF digits: {digits!r}")
    return f"api uuid_send_dtmf {_word('uuid', uuid)} {digits}"


def conference(sid: str, *words: str) -> str:
    """`conference <sid> play <path>` and the like. A path with a space is refused: mod_conference splits at
    spaces."""
    return api("conference", _word("conference", sid), *words)


def multiset(variables: Mapping[str, str]) -> str:
    """The argument of `multiset`. An empty value unsets its variable.

    Raises `ValueError` for a value with `${` or a backslash: base_set() expands and unescapes once more.
    Carry free text in an encoding (base64), not as it is.
    """
    if not 0 < len(variables) <= _MAX_VARIABLES:
        raise ValueError(f"multiset takes 1 to {_MAX_VARIABLES} variables, not {len(variables)}")
    pairs = [f"{_variable(name)}={_set_value(name, value)}" for name, value in variables.items()]
    text = "".join(pairs)
    for delimiter in _DELIMITERS:
        if delimiter not in text:
            break
    else:
        delimiter = ";"
        pairs = [pair.replace(";", "\\;") for pair in pairs]
    return f"^^{delimiter}" + delimiter.join(pairs)


class DialTarget(NamedTuple):
    """One place to call: `sofia/gateway/…`, `user/…`, and the variables of that leg alone."""

    endpoint: str
    variables: Mapping[str, str] = {}


def dial_string(
    destinations: Sequence[DialTarget],
    variables: Mapping[str, str] | None = None,
    *,
    one_by_one: bool = False,
) -> str:
    """The argument of `bridge`: all at once, or one after the other. `variables` are for every leg.

    Raises `ValueError` naming what cannot be made safe: braces, backslashes and `${` in `variables`; any
    syntax at all in a destination's own variables, which FreeSWITCH unescapes four times. An apostrophe
    becomes the typographic one.
    """
    if not destinations:
        raise ValueError("nobody to dial")
    legs = []
    for endpoint, own in destinations:
        if len(endpoint) > MAX_ENDPOINT or not _ENDPOINT.fullmatch(endpoint) or ":_:" in endpoint:
            raise ValueError(f"not an endpoint: {endpoint[:120]!r}")
        legs.append(
            _brackets("[", "]", {name: for_one(name, value) for name, value in own.items()}) + endpoint
        )
    shared = {name: for_all(name, value) for name, value in (variables or {}).items()}
    return _brackets("{", "}", shared) + ("|" if one_by_one else ",").join(legs)


def originate(dial: str, app: str = "park", arg: str = "") -> str:
    """`originate` for `bgapi`: call `dial` (a `dial_string`) and run an application on the answered leg."""
    if not _APPLICATION.fullmatch(app) or re.search(r"[()\s'\\]|\$\{", arg):
        raise ValueError(f"not an application of originate: {app!r} {arg!r}")
    return f"originate {_quoted(dial)} &{app}({arg})"


def _is_reload(text: str) -> bool:
    lowered = text.lower()
    return "mod_event_socket" in lowered and ("reload" in lowered or "unload" in lowered)


def _word(what: str, text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError(f"not a {what}: {text!r}")
    return text


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"not a variable's name: {name!r}")
    return name


def _global_value(value: str) -> str:
    # mod_commands.c splits at `=`, and takes quotes, backslashes and outer spaces away.
    if not _GLOBAL_VALUE.fullmatch(value):
        raise ValueError(f"not a global variable's value: {value!r}")
    return value


def _argument(what: str, text: str) -> str:
    # Expansion is off on our legs, but `set` expands all the same, and a leg that came another way may not be
    # guarded. switch_string_var_check_const() in switch_utils.h skips backslashes between the two characters.
    if _EXPANDED.search(text):
        raise ValueError(f"{what}: FreeSWITCH would expand {text[:120]!r}")
    return one_line(text)


def _api_word(word: str) -> str:
    if not word or _NO_WORD.search(word) or word.startswith("^^"):
        raise ValueError(f"not one word of a command: {word!r}")
    return word


def _quoted(text: str) -> str:
    """`text` as one word for separate_string_blank_delim()."""
    if text.startswith("^^"):
        raise ValueError(f"starts like a change of delimiter: {text[:120]!r}")
    return text.replace("\\", "\\\\").replace("'", "\\'").replace(" ", "\\s")


def _set_value(name: str, value: str) -> str:
    value = _argument(name, value)
    if "\\" in value:
        raise ValueError(f"{name}: a backslash does not survive multiset: {value[:120]!r}")
    value = value.replace("'", "\\'")
    # A space at the end would be stripped.
    return value[:-1] + "\\s" if value.endswith(" ") else value


def for_all(name: str, value: str) -> str:
    """The value of a variable for every leg of a dial string, escaped; `ValueError` where it cannot be."""
    value = _argument(name, value)
    if re.search(r"[{}\\]|:_:", value):
        raise ValueError(f"{name}: cannot stand in a dial string: {value[:120]!r}")
    # Split twice, at commas and at the equals sign, so an apostrophe would need three backslashes; and
    # `bridge` on a leg without the guard against expansion eats two of them and lets the rest escape the
    # wrong thing.
    return value.strip().replace("'", "\N{RIGHT SINGLE QUOTATION MARK}").replace(",", "\\,")


def for_one(name: str, value: str) -> str:
    """The same for one leg of it: nothing that is syntax may stand there."""
    if len(value) > MAX_OWN_VALUE or not _PLAIN.fullmatch(value) or ":_:" in value or value != value.strip():
        raise ValueError(f"{name}: cannot stand in a destination's variables: {value[:120]!r}")
    return value


def _brackets(opening: str, closing: str, variables: Mapping[str, str]) -> str:
    if not variables:
        return ""
    return opening + ",".join(f"{_variable(name)}={value}" for name, value in variables.items()) + closing
