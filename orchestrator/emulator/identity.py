"""mod_sofia's reading of an INVITE's identity and privacy headers (sofia.c, sofia_handle_sip_i_invite)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestrator.emulator.profile import Profile

_URI = re.compile(r'\s*(?:"(?P<name>[^"]*)"\s*)?<?(?:sips?|tel):(?P<user>[^@;>]+)')
# The last one wins.
_IDENTITIES = (
    ("Remote-Party-ID", "rpid"),
    ("P-Asserted-Identity", "pid"),
    ("P-Preferred-Identity", "pid"),
)
_HIDES_NUMBER = ("yes", "full", "number")
_HIDES_NAME = ("yes", "full", "name")


def identify(profile: Profile, headers: Mapping[str, str]) -> dict[str, str]:
    """Changes the profile; the variables that are set besides."""
    variables = {}
    for header, cid_type in _IDENTITIES:
        found = _URI.match(headers.get(header, ""))
        if found is None:
            continue
        profile.cid_number = profile.orig_cid_number = profile.ani = profile.username = found["user"]
        if found["name"]:
            profile.cid_name = profile.orig_cid_name = found["name"]
        # paid-type is `user` where nothing is said.
        asserted = header == "P-Asserted-Identity"
        variables[f"sip_{header}"] = found["user"] if asserted else headers[header]
        variables["sip_cid_type"] = cid_type
    asked = re.search(r";\s*privacy=(\w+)", headers.get("Remote-Party-ID", ""))
    if asked is not None:
        profile.hides_number = asked[1] in _HIDES_NUMBER
        profile.hides_name = asked[1] in _HIDES_NAME
    if "Privacy" in headers:
        variables["sip_Privacy"] = headers["Privacy"]
        if "id" in headers["Privacy"].split(";"):
            profile.hides_number = profile.hides_name = True
    return variables
