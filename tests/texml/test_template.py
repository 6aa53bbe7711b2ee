"""Telnyx's templates: what a document says with the parameters of its request.

Symptom: `{{#if From == +1}}<Say>a</Say>{{#else}}<Say>b</Say>{{/if}}` said both, and nobody was called by
`<Number>{{To}}</Number>`. Cause: templates were unknown. Fix: template.py fills them in before XML is read.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.documents.document import document_of
from orchestrator.documents.fetch import Fetched
from orchestrator.texml import Dial, DocumentError, Number, Play, Say, parse
from orchestrator.texml.template import TemplateError, fill_in, values_of

ASKED = (
    ("PhoneNumber", "+18771234567"),
    ("From", "+13120001234"),
    ("Empty", ""),
    ("Numbers", "+1"),
    ("Numbers", "+2"),
    ("Codes[]", "x"),
    ("Codes[]", "y"),
    ("Evil", "</Say><Dial>1</Dial>\"'&{{From}}"),
    ("SipHeader_X-Order", "7"),
)
VALUES = values_of(ASKED)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{PhoneNumber}}", "+18771234567"),
        ("{{ PhoneNumber }}", "+18771234567"),
        ("{{{PhoneNumber}}}", "+18771234567"),
        ("{{&PhoneNumber}}", "+18771234567"),
        ("{{SipHeader_X-Order}}", "7"),
        ("[{{Unknown}}]", "[]"),
        ("[{{Empty}}]", "[]"),
        ("{{phonenumber}}", ""),
        ("a{{! a comment }}b", "ab"),
        # Lists.
        ("{{#Numbers}}<N>{{.}}</N>{{/Numbers}}", "<N>+1</N><N>+2</N>"),
        ("{{#Codes}}{{.}},{{/Codes}}", "x,y,"),
        ("{{Numbers}}", "+1"),
        ("{{#From}}yes{{/From}}{{#Unknown}}no{{/Unknown}}{{#Empty}}no{{/Empty}}", "yes"),
        ("{{^From}}no{{/From}}{{^Unknown}}yes{{/Unknown}}", "yes"),
        ("{{#Numbers}}{{#if . == +2}}two{{#else}}{{.}}{{/if}} {{/Numbers}}", "+1 two "),
        # Conditions.
        ("{{#if From == +13120001234}}a{{#else}}b{{/if}}", "a"),
        ("{{#if From == +1}}a{{#else}}b{{/if}}", "b"),
        ("{{#if From != +1}}a{{#else}}b{{/if}}", "a"),
        ("{{#if From==+13120001234 }}a{{/if}}", "a"),
        ("{{# if From == '+13120001234' }}a{{else}}b{{/ if }}", "a"),
        ('{{#if From == "+1"}}a{{#elseif From == "+13120001234"}}b{{#else}}c{{/if}}', "b"),
        ("{{#if From == 1}}a{{#elseif From == 2}}b{{#else}}c{{/if}}", "c"),
        ("{{#if From == 1}}a{{#elseif From == 2}}b{{/if}}", ""),
        ("{{#if From}}a{{/if}}{{#if Unknown}}b{{/if}}{{#if Empty}}c{{/if}}", "a"),
        ("{{#if Unknown == }}a{{/if}}", "a"),
        ("{{#if From == +13120001234}}{{#if To == x}}a{{#else}}b{{/if}}{{/if}}", "b"),
        ("{{#if SipHeader_X-Order == 7}}a{{/if}}", "a"),
        # No template's.
        ('{"a":{"b":1}}', '{"a":{"b":1}}'),
        ('{{"a":1}}', '{{"a":1}}'),
        ("{{", "{{"),
        ("a }} b", "a }} b"),
        ("{{a b}}", "{{a b}}"),
    ],
)
def test_a_template_is_filled_in(template: str, filled: str) -> None:
    assert fill_in(template, VALUES) == filled


def test_a_value_is_a_text_and_never_a_tag_nor_a_template() -> None:
    for written in ("{{Evil}}", "{{{Evil}}}", "{{&Evil}}"):
        (say,) = parse(f"<Response><Say>{written}</Say></Response>", values=VALUES).verbs
        assert say == Say(text="</Say><Dial>1</Dial>\"'&{{From}}")
    for quote in "\"'":
        document = f"<Response><Play loop={quote}{{{{Evil}}}}{quote}>/a</Play></Response>"
        assert parse(document, values=VALUES).verbs == (Play(url="/a"),)


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("\n{{#if From == 1}}a", 2, "{{#if From == 1}} is not closed"),
        ("{{#Numbers}}\n\n", 1, "{{#Numbers}} is not closed"),
        ("\n\n{{/if}}", 3, "{{/if}} does not close anything open"),
        ("{{#Numbers}}\n{{/if}}", 2, "{{/if}} does not close {{#Numbers}} of line 1"),
        ("{{#if\nFrom == 1}}\n{{/Numbers}}", 3, "{{/Numbers}} does not close"),
        ("\n{{#else}}", 2, "{{#else}} without an {{#if}}"),
        ("{{#Numbers}}{{else}}{{/Numbers}}", 1, "{{else}} without an {{#if}}"),
        ("{{#if}}a{{/if}}", 1, "{{#if}} has no condition"),
        ("{{#if From > 1}}a{{/if}}", 1, "a condition is a name, or a name, == or !=, and a value"),
        ("{{#if From = 1}}a{{/if}}", 1, "a condition is a name"),
        ("{{# }}a{{/}}", 1, "has no name"),
        ("{{> other}}", 1, "no partials"),
        ("{{#if a}}" * 40 + "{{/if}}" * 40, 1, "stands in too many others"),
    ],
)
def test_a_mistake_is_named_with_its_line(template: str, line: int, message: str) -> None:
    with pytest.raises(DocumentError) as raised:
        parse(f"{template}<Response/>", source="s", values=VALUES)
    assert (raised.value.source, raised.value.line) == ("s", line)
    assert message in raised.value.message


def test_lines_are_those_of_the_template() -> None:
    document = parse(
        "<Response>\n{{#if From == 1}}\n<Say>a</Say>\n{{#else}}\n<Say loop='x'>b</Say>\n{{/if}}\n"
        "{{#Unknown}}\n\n{{/Unknown}}\n<Foo/></Response>",
        values=VALUES,
    )
    assert document.verbs == (Say(text="b"),)
    assert [warning.line for warning in document.warnings] == [5, 10]


def test_a_document_is_a_template_only_with_what_it_was_asked_for() -> None:
    text = b"<Response><Dial><Number>{{PhoneNumber}}</Number></Dial></Response>"
    assert parse(text).verbs == (Dial(nouns=(Number(number="{{PhoneNumber}}"),)),)
    fetched = Fetched("http://h/a", "text/xml", text, asked=ASKED)
    assert document_of(fetched).verbs == (Dial(nouns=(Number(number="+18771234567"),)),)


def test_a_template_does_not_grow_without_an_end() -> None:
    many = values_of([("N", "x" * 1000)] * 1000)
    with pytest.raises(TemplateError, match="grows beyond"):
        fill_in("{{#N}}{{#N}}{{#N}}{{.}}{{/N}}{{/N}}{{/N}}", many)


PIECES = (
    *("{{", "}}", "{{{", "}}}", "{", "x", "\n", "<Say>", "{{!", "{{>", "{{A}}", "{{.}}"),
    *("{{#if A == b}}", "{{#else}}", "{{elseif A}}", "{{/if}}", "{{#B}}", "{{^B}}", "{{/B}}"),
)
TEXT = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


@given(TEXT, st.text(max_size=20))
def test_any_text_is_filled_in_or_refused_and_no_value_brings_a_tag(text: str, value: str) -> None:
    values = values_of([("A", value), ("B", value), ("B", value)])
    try:
        filled = fill_in(text, values)
    except TemplateError:
        return
    assert filled.count("<") <= 2 * text.count("<")
    if "{{#B}}" not in text and "{{^B}}" not in text:
        assert filled.count("\n") <= text.count("\n") + value.count("\n") * text.count("{{A}}")
