"""A vendor's row about an attribute, and the sentences that have to hold for every such row."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from xml.sax.saxutils import quoteattr

from orchestrator.texml import Dial, Document, Headers, Sip, parse

# The smallest document in which each element stands; {} takes the attribute, on line 3.
DOCUMENTS = {
    "Say": "<Response>\n<Say\n{}>Hello</Say></Response>",
    "Play": "<Response>\n<Play\n{}>https://example.com/a.mp3</Play></Response>",
    "Pause": "<Response>\n<Pause\n{}/></Response>",
    "Gather": "<Response>\n<Gather\n{}/></Response>",
    "Redirect": "<Response>\n<Redirect\n{}>/next</Redirect></Response>",
    "Reject": "<Response>\n<Reject\n{}/></Response>",
    "Record": "<Response>\n<Record\n{}/></Response>",
    "Dial": "<Response>\n<Dial\n{}/></Response>",
    "Conference": "<Response><Dial>\n<Conference\n{}>Room</Conference></Dial></Response>",
    "Number": "<Response><Dial>\n<Number\n{}>+13125550000</Number></Dial></Response>",
    "Sip": "<Response><Dial>\n<Sip\n{}>sip:a@example.com</Sip></Dial></Response>",
    "Uri": "<Response><Dial><Sip>\n<Uri\n{}>sip:a@example.com</Uri></Sip></Dial></Response>",
    "Header": "<Response><Dial><Sip>s@b<Headers>\n<Header name='X-A'\n{}/></Headers></Sip></Dial></Response>",
}
NOUNS = ("Conference", "Number", "Sip")


@dataclass(frozen=True)
class Row:
    """`good`: as written -> the field. `bad`: as written -> the field, with a warning.

    `says` is the specification's wording. `ignored`: accepted, but with a warning that it has no effect.
    `beside`: what the element has to have for the attribute to mean something.
    """

    element: str
    attribute: str
    says: str
    default: object
    good: Mapping[str, object]
    bad: Mapping[str, object] = field(default_factory=dict)
    ignored: bool = False
    beside: str = ""

    def __str__(self) -> str:
        return f"{self.element}.{self.attribute}"

    @property
    def field(self) -> str:
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.attribute)

    def document(self, value: str | None) -> Document:
        written = "" if value is None else f"{self.attribute}={quoteattr(value)} {self.beside}"
        return parse(DOCUMENTS[self.element].format(written), source="room.xml")

    def value_in(self, document: Document) -> object:
        return getattr(element_in(document, self.element), self.field)


def element_in(document: Document, element: str) -> object:
    """The element of that name in one of the DOCUMENTS."""
    (found,) = document.verbs
    if element in NOUNS:
        assert isinstance(found, Dial)
        return found.nouns[0]
    if element in ("Uri", "Header"):
        assert isinstance(found, Dial)
        (sip,) = found.nouns
        assert isinstance(sip, Sip)
        (part,) = sip.parts
        return part.headers[0] if isinstance(part, Headers) else part
    return found


def ignored_text(element: str, *attributes: str) -> list[Row]:
    """Known attributes without effect, which a warning says."""
    says = "Known and without effect."
    return [
        Row(element, one, says, None, {"x": "x", "1": "1"}, {"": None}, ignored=True) for one in attributes
    ]


def check_default(row: Row) -> None:
    document = row.document(None)
    assert row.value_in(document) == row.default
    assert document.warnings == ()


def check_good(row: Row) -> None:
    for written, expected in row.good.items():
        document = row.document(written)
        assert row.value_in(document) == expected, written
        if row.ignored and expected != row.default:
            (warning,) = document.warnings
            assert "no effect" in warning.message
        else:
            assert document.warnings == (), written


def check_bad(row: Row) -> None:
    for written, used in row.bad.items():
        document = row.document(written)
        assert row.value_in(document) == used, written
        (warning,) = document.warnings
        assert (warning.source, warning.line) == ("room.xml", 3)
        assert (warning.element, warning.attribute) == (row.element, row.attribute)
        assert warning.value == written[:200]
        assert warning.message
        assert warning.used == shown(used)


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return " ".join(sorted(value)) or "nothing"
    return str(value) if value not in (None, "") else "nothing"


def boolean(element: str, attribute: str, says: str, default: bool) -> Row:
    good = {"true": True, "false": False, "TRUE": True, "False": False, " true ": True}
    good |= {"1": True, "0": False, "yes": True, "NO": False}
    return Row(element, attribute, says, default, good, {"": default, "maybe": default, "2": default})


def url(element: str, attribute: str, says: str, beside: str = "") -> Row:
    written = ["https://example.com/a?b=c&d=e", "/relative", "next.xml", "http://user:pw@example.com/a b"]
    good = {address: address for address in written} | {" /a\n": "/a"}
    return Row(element, attribute, says, None, good, {"": None, "  ": None}, beside=beside)


def action(element: str, attribute: str, says: str) -> Row:
    """A URL whose empty one is the same document again."""
    row = url(element, attribute, says)
    return replace(row, good={**row.good, "": "", "  ": ""}, bad={"a\nb": None})


def method(element: str, attribute: str, says: str, default: str | None = "POST") -> Row:
    good = {"GET": "GET", "POST": "POST", "get": "GET", "Post": "POST"}
    return Row(element, attribute, says, default, good, {"": default, "PUT": default, "GET POST": default})


def words(
    element: str,
    attribute: str,
    says: str,
    default: str,
    *options: str,
    also: Mapping[str, str] = MappingProxyType({}),
    near: Mapping[str, str] = MappingProxyType({}),
) -> Row:
    """`also`: other words for the same; `near`: another element's words, which are warned about."""
    good = {option: option for option in options} | {options[0].upper(): options[0]} | dict(also)
    return Row(element, attribute, says, default, good, {"": default, "nonsense": default, **near})
