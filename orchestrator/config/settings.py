"""The settings as a whole, and the questions that the rest of the program asks them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, ValidationInfo, field_validator

from orchestrator.config.applications import Account, Application
from orchestrator.config.cluster import Cluster
from orchestrator.config.dialect import Dialect, dialect_of
from orchestrator.config.fields import Name, Region, Section, setting_error
from orchestrator.config.freeswitch import FreeSwitch
from orchestrator.config.network import Cidr, Network, parsed_address
from orchestrator.config.patterns import best, is_pattern
from orchestrator.config.profile import Profile
from orchestrator.config.service import (
    Admission,
    Callbacks,
    Conference,
    Documents,
    Fetch,
    Logging,
    Media,
    Recordings,
    Web,
    is_loopback,
)
from orchestrator.config.speech import Speech
from orchestrator.config.timeline import Timeline
from orchestrator.config.trunks import Sip, Trunk
from orchestrator.numbering.patterns import NotAPattern, inbound_key
from orchestrator.numbering.phone import recognised

DEFAULT_REGION = "US"
DEFAULT_PROFILE = "default"
PLACEHOLDER_KEY = "change-me"


class Settings(Section):
    """Everything that can be set. Made by load(), which also fills in names and checks references.

    Frozen: read on any greenlet; a reload makes another one.
    """

    freeswitch: FreeSwitch = FreeSwitch()
    accounts: tuple[Account, ...] = Field(description="at least one, with a sid")
    applications: dict[Name, Application] = Field(default={}, description="by name")
    default_region: Region = Field(
        default=DEFAULT_REGION,
        description="country (two letters) of numbers without +, where neither application nor trunk has one",
    )
    numbers: dict[str, Name] = Field(
        default={},
        description="number, SIP user or pattern (* any characters, ? one) -> application; spelling and plus "
        "do not matter",
    )
    default_application: Name | None = Field(
        default=None, description="for numbers that fit nothing; none: they are refused"
    )
    profiles: dict[Name, Profile] = Field(default={}, description="by name")
    profile_patterns: dict[str, Name] = Field(default={}, description="room name or pattern -> profile")
    admission: Admission = Admission()
    callbacks: Callbacks = Callbacks()
    cluster: Cluster = Cluster()
    conference: Conference = Conference()
    documents: Documents = Documents()
    fetch: Fetch = Fetch()
    network: Network = Network()
    media: Media = Media()
    recordings: Recordings = Recordings()
    timeline: Timeline = Timeline()
    speech: Speech = Speech()
    trunks: dict[Name, Trunk] = Field(default={}, description="by name")
    default_trunk: Name | None = Field(
        default=None, description="where an application names none; the only one needs no naming"
    )
    sip: Sip = Sip()
    web: Web = Web()
    logging: Logging = Logging()

    @field_validator("accounts", mode="before")
    @classmethod
    def _somebody(cls, value: object) -> object:
        if value == []:
            raise setting_error("there is no account", "at least one, with a sid")
        return value

    @property
    def url_in_cluster(self) -> str:
        """Of the web server, as other orchestrators reach it."""
        return self.cluster.url or f"http://{self.web.listen}"

    @field_validator("numbers")
    @classmethod
    def _comparable(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        region = info.data.get("default_region", DEFAULT_REGION)
        keys = {}
        for number, name in value.items():
            try:
                keys[inbound_key(number, region)] = name
            except NotAPattern:
                # check_references() says so, with its line.
                keys[number] = name
        return keys

    def application_for(self, number: str, region: str | None = None) -> Application | None:
        """The application of a number or SIP user: exact, else most specific pattern, else the default.
        `region`: of numbers that come from where this one came from."""
        # Anybody may dial a number: a `*` in it is no pattern and must not find one as its equal.
        texts = [number.strip().removeprefix("+")]
        if (phone := recognised(number, region or self.default_region)) is not None:
            texts.insert(0, phone.removeprefix("+"))
        exact = (self.numbers.get(text) for text in texts if not is_pattern(text))
        found = next((name for name in exact if name is not None), None)
        if found is None:
            patterns = [key for key in self.numbers if is_pattern(key)]
            pattern = next((one for text in texts if (one := best(patterns, text)) is not None), None)
            found = self.numbers[pattern] if pattern is not None else self.default_application
        return self.applications.get(found) if found is not None else None

    def region_of_calls_from(self, address: str) -> str:
        """The country of numbers without + in calls from this address."""
        trunk = self.trunk_from(address)
        return (trunk.default_region if trunk else None) or self.default_region

    def trunk_from(self, address: str) -> Trunk | None:
        """The trunk that a call from this address comes from; None: a named network, or nobody."""
        who, name = self.caller(address).partition(" ")[::2]
        return self.trunks[name] if who == "trunk" else None

    def trusts(self, address: str) -> bool:
        """Whether who calls from this address may say who calls: P-Asserted-Identity, Remote-Party-ID."""
        who, name = self.caller(address).partition(" ")[::2]
        if who == "trunk":
            return self.trunks[name].trusted
        return who == "network" and name in self.sip.trusted_networks

    def region_of_calls_by(self, application: Application, trunk: Trunk | None = None) -> str:
        """The country of numbers without + that an application calls, through this trunk."""
        return application.default_region or (trunk.default_region if trunk else None) or self.default_region

    def dialect(self, application: Application | None) -> Dialect:
        """Its settings in which the vendors differ; None: those for calls without an application."""
        sections: dict[str, Section] = {
            "callbacks": self.callbacks,
            "conference": self.conference,
            "documents": self.documents,
        }
        return dialect_of(application, sections)

    def account(self, sid: str) -> Account | None:
        return next((account for account in self.accounts if account.sid == sid), None)

    def account_by_key(self, key: str) -> Account | None:
        """The account that a bearer token of the REST API belongs to."""
        # All are compared: the time it takes must not reveal which key was nearly right.
        owners = [account for account in self.accounts if account.owns_key(key)]
        return owners[0] if owners else None

    def profile_for(self, application: Application | None, room: str) -> Profile:
        """The profile of a room: by the pattern of its name, else its application's, else the default one."""
        pattern = best(self.profile_patterns, room)
        name = (
            self.profile_patterns[pattern]
            if pattern is not None
            else application.profile
            if application
            else None
        )
        return self.profiles[name or DEFAULT_PROFILE]

    def trunk_for(self, application: Application | None) -> Trunk | None:
        """The trunk for an application's outgoing phone calls."""
        name = (application.trunk if application else None) or self.default_trunk
        if name is None and len(self.trunks) == 1:
            return next(iter(self.trunks.values()))
        return self.trunks.get(name) if name is not None else None

    def callers(self) -> dict[str, tuple[Cidr, ...]]:
        """Allowed callers: the networks of each trunk, and the named networks."""
        trunks = {f"trunk {name}": trunk.networks for name, trunk in self.trunks.items() if trunk.networks}
        return trunks | {f"network {name}": networks for name, networks in self.sip.networks.items()}

    def caller(self, address: str) -> str:
        """Which trunk or named network a call comes from; empty if none."""
        try:
            ip = parsed_address(address)
        except ValueError:
            return ""
        return next((who for who, nets in self.callers().items() if any(ip in net for net in nets)), "")

    def advice(self) -> list[str]:
        """Settings that are allowed and yet unwise; for a person to read."""
        found = []
        for node in self.freeswitch.nodes:
            if not is_loopback(node.host) and node.password.get_secret_value() == "ClueCon":
                found.append(f"FreeSWITCH on {node.host} still has the password that everybody knows")
        if not is_loopback(self.web.host) and self.account_by_key(PLACEHOLDER_KEY):
            found.append(f"web.listen is not loopback and the example's API key {PLACEHOLDER_KEY} is in use")
        for account in self.accounts:
            found += self._unsigned(account)
        for trunk in self.trunks.values():
            if trunk.destinations == ("*",):
                found.append(f"trunk {trunk.name} may call every number in the world: destinations limits it")
            if trunk.register_ and not trunk.networks:
                found.append(f"trunk {trunk.name} registers and has no addresses: its calls get SIP 403")
        if not self.numbers and self.default_application is None:
            found.append("no number leads to an application: every call will be refused")
        return found

    def _unsigned(self, account: Account) -> Iterator[str]:
        """Signatures that applications of the account are meant to send, and cannot."""
        name = account.name or account.sid
        applications = [one for one in self.applications.values() if one.account == account.sid]
        kinds = {self.dialect(one).signatures for one in applications} or {"telnyx"}
        if account.signing_key is None and kinds != {"twilio"}:
            yield f"account {name} has no signing_key: its callbacks are not signed"
        if account.auth_token is None and kinds != {"telnyx"}:
            yield f"account {name} has no auth_token: its callbacks have no X-Twilio-Signature"
        if account.auth_token is not None and kinds == {"telnyx"}:
            yield f"account {name} has an auth_token that no application uses: `signatures` is telnyx"
