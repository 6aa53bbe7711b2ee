"""Errors between us and one FreeSWITCH, by type. Everything here is a `SwitchError`."""

from __future__ import annotations


class SwitchError(Exception):
    """Anything that kept a command from doing what it was asked to do."""


class Unreachable(SwitchError):
    """There is no event socket, for now. Calls live on."""


class NotConnected(Unreachable):
    """There is no event socket now: the command was not sent."""


class Disconnected(Unreachable):
    """The event socket ended before the answer came: whether the command ran is unknown."""


class WriteOverflow(Disconnected):
    """FreeSWITCH stopped reading and more commands piled up than we are willing to hold: the socket is
    closed."""


class CommandTimeout(SwitchError):
    """No answer within the time limit: whether the command ran, or will run, is unknown."""


class AuthenticationFailed(SwitchError):
    """FreeSWITCH refused the password, or (text/rude-rejection) our address."""


class ProtocolError(SwitchError):
    """The received bytes are not the event-socket protocol: the rest of the stream cannot be
    trusted."""


class CommandFailed(SwitchError):
    """FreeSWITCH answered `-ERR …` or `-USAGE …`; `reply` is that answer."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class LegGone(CommandFailed):
    """The leg has hung up, or was never there. `reply` is FreeSWITCH's text or the hangup cause."""


class ConferenceGone(CommandFailed):
    """The conference has ended, or was never there."""


class MemberGone(CommandFailed):
    """The conference has no such member: it left, or add-member has only just been sent (try once more)."""


# All from mod_conference/conference_api.c.
_MEMBER = ("-err non-existant", "-err member: ", "-err no member ", "-err (saymember) unknown member")
# mod_commands.c uses all of these; "invalid session id" is mod_event_socket.c's answer to sendmsg.
_LEG = (
    "-err no such channel",
    "-err invalid session id",
    "-err no such session",
    "-err invalid uuid",
    "-err cannot locate session",
    "-err cannot find session",
    "-err unable to find session",
)


def failure(text: str) -> CommandFailed | None:
    """The error that a reply's text stands for, or None when it is not an error."""
    if not text.startswith(("-ERR", "-USAGE")):
        return None
    text = text.strip()
    lowered = text.lower()
    if lowered.startswith(_LEG):
        return LegGone(text)
    if lowered.startswith("-err conference ") and lowered.endswith(" not found"):
        return ConferenceGone(text)
    if lowered.startswith(_MEMBER):
        return MemberGone(text)
    return CommandFailed(text)
