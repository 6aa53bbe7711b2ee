"""Documents as applications write them: verbs in order, texts, and what is skipped with the call going on."""

import dataclasses

import pytest

from orchestrator.texml import (
    Conference,
    Dial,
    Document,
    DocumentError,
    Gather,
    Hangup,
    Number,
    Pause,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Sip,
    parse,
)
from orchestrator.texml.response import Response
from orchestrator.texml.schema import Schema, schema_of
from tests.texml import test_conference, test_dial, test_verbs


def messages(document: Document) -> list[str]:
    return [str(warning) for warning in document.warnings]


def test_verbs_come_in_the_order_in_which_they_run() -> None:
    document = parse(
        "<?xml version='1.0' encoding='UTF-8'?><Response><Say>a</Say><Play>b</Play><Pause/><Gather/><Record/>"
        "<Dial><Number>1</Number></Dial><Redirect>c</Redirect><Reject/><Hangup/></Response>"
    )
    kinds = [type(verb) for verb in document.verbs]
    assert kinds == [Say, Play, Pause, Gather, Record, Dial, Redirect, Reject, Hangup]
    assert document.warnings == ()


def test_an_empty_response_has_no_verbs() -> None:
    assert parse("<Response/>") == Document(())


def test_a_verb_made_by_hand_has_the_same_defaults_as_a_parsed_one() -> None:
    parsed = parse("<Response>\n<Dial><Conference>Room 1234</Conference></Dial></Response>").verbs
    assert parsed == (Dial(nouns=(Conference(name="Room 1234"),)),)


def test_verbs_are_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Say(text="a").text = "b"  # type: ignore[misc]


def test_a_verb_knows_its_line() -> None:
    say, dial = parse("<Response>\n<Say>a</Say>\n\n<Dial><Number>1</Number></Dial></Response>").verbs
    assert (say.line, dial.line) == (2, 4)


def test_the_white_space_around_a_room_name_is_no_part_of_it() -> None:
    (dial,) = parse("<Response><Dial><Conference>\n   Room  1234 A\n\t</Conference></Dial></Response>").verbs
    assert isinstance(dial, Dial)
    assert dial.conference == Conference(name="Room  1234 A")


@pytest.mark.parametrize("name", ["", "  \n ", "x" * 129])
def test_a_conference_without_a_usable_name_is_skipped_and_its_dial_stays(name: str) -> None:
    document = parse(f"<Response>\n<Dial>\n<Conference>{name}</Conference></Dial></Response>")
    assert document.verbs == (Dial(),)
    (warning,) = document.warnings
    assert (warning.element, warning.line) == ("Conference", 3)
    assert "skipped" in warning.message


def test_a_room_name_of_128_characters_is_a_room() -> None:
    (dial,) = parse(f"<Response><Dial><Conference>{'x' * 128}</Conference></Dial></Response>").verbs
    assert dial == Dial(nouns=(Conference(name="x" * 128),))


def test_bare_text_in_a_dial_is_a_number() -> None:
    document = parse("<Response><Dial timeout='9'>\n +13125550000 </Dial></Response>")
    assert document == Document((Dial(timeout=9, nouns=(Number(number="+13125550000"),)),))


def test_bare_text_beside_a_noun_is_skipped() -> None:
    document = parse("<Response><Dial>+1<Sip>sip:a@b</Sip>2</Dial></Response>")
    assert document.verbs == (Dial(nouns=(Sip(uri="sip:a@b"),)),)
    assert messages(document) == ["document:1: <Dial>: its text has no meaning here, skipped"]


def test_several_numbers_ring_together() -> None:
    (dial,) = parse("<Response><Dial><Number>1</Number><Sip>sip:a@b</Sip></Dial></Response>").verbs
    assert dial == Dial(nouns=(Number(number="1"), Sip(uri="sip:a@b")))
    assert isinstance(dial, Dial)
    assert dial.conference is None


def test_a_conference_stands_alone_in_its_dial() -> None:
    document = parse(
        "<Response><Dial><Number>1</Number><Conference>a</Conference><Conference>b</Conference></Dial></Response>"
    )
    assert document.verbs == (Dial(nouns=(Conference(name="a"),)),)
    assert [warning.element for warning in document.warnings] == ["Number", "Conference"]


def test_a_number_or_a_sip_without_text_is_skipped() -> None:
    document = parse("<Response><Dial><Number/><Sip> </Sip></Dial></Response>")
    assert document.verbs == (Dial(),)
    assert [warning.element for warning in document.warnings] == ["Number", "Sip"]


def test_a_line_break_inside_a_number_or_a_url_skips_it() -> None:
    document = parse("<Response><Dial><Number>1\n2</Number></Dial><Play>a\nb</Play></Response>")
    assert document.verbs == (Dial(),)
    assert len(document.warnings) == 3


def test_the_text_of_say_is_without_the_indentation_of_the_document() -> None:
    assert parse("<Response><Say>\n  Hello\n  <![CDATA[<you> & me]]>\n</Say></Response>").verbs == (
        Say(text="Hello <you> & me"),
    )


def test_ssml_is_spoken_as_its_plain_text() -> None:
    document = parse(
        "<Response><Say>One<break time='1s'/>two <emphasis>th<b>r</b>ee</emphasis>"
        "<p>four</p><p>five</p>six</Say></Response>"
    )
    assert document.verbs == (Say(text="One two three four five six"),)
    assert messages(document) == ["document:1: <Say>: SSML is spoken as plain text"]


def test_a_prefix_that_nobody_declared_drops_no_caller() -> None:
    """Symptom: `<amazon:effect>`, as Polly's page has it, ended the call. Cause: libxml2 calls an undeclared
    prefix an error, though XML without namespaces does not. Fix: it is read again, with a warning."""
    document = parse(
        "<Response><Say>a <amazon:effect name='whispered'>secret</amazon:effect></Say></Response>", source="s"
    )
    assert document.verbs == (Say(text="a secret"),)
    assert messages(document)[0] == "s:1: <Response>: Namespace prefix amazon on effect is not defined"
    document = parse("<Response><amazon:effect/><Say x:y='z'>a</Say></Response>")
    assert document.verbs == (Say(text="a"),)
    with pytest.raises(DocumentError):
        parse("<Response><amazon:effect></Response>")


def test_a_default_namespace_is_ignored() -> None:
    assert parse("<Response xmlns='urn:x'><Say>a</Say></Response>") == Document((Say(text="a"),))


def test_comments_and_processing_instructions_are_not_there() -> None:
    document = parse(
        "<?xml version='1.0'?><!-- <!DOCTYPE a> --><?php x ?><Response><!-- a -->"
        "<Say>He<!-- b -->l<?c d?>lo</Say>"
        "</Response><!-- e -->"
    )
    assert document == Document((Say(text="Hello"),))


def test_an_empty_redirect_is_the_current_document() -> None:
    assert parse("<Response><Redirect/></Response>").verbs == (Redirect(),)


def test_a_say_or_a_play_with_nothing_to_be_heard_is_skipped() -> None:
    document = parse("<Response><Say> </Say><Play/><Play digits='1'/></Response>")
    assert document.verbs == (Play(digits="1"),)
    assert [warning.element for warning in document.warnings] == ["Say", "Play"]


def test_a_gather_holds_its_prompts() -> None:
    document = parse(
        "<Response><Gather numDigits='1'><Say>Press</Say><Play>/a</Play><Pause/><Dial/></Gather></Response>"
    )
    prompts = (Say(text="Press"), Play(url="/a"), Pause())
    assert document.verbs == (Gather(num_digits=1, prompts=prompts),)
    assert messages(document) == ["document:1: <Dial>: unknown inside Gather, skipped"]


def test_an_unknown_verb_is_skipped_and_the_rest_runs() -> None:
    document = parse("<Response>\n<Enqueue>support</Enqueue><Say>a</Say></Response>", source="room.xml")
    assert document.verbs == (Say(text="a"),)
    assert messages(document) == ["room.xml:2: <Enqueue>: is not built, skipped"]


def test_names_are_case_sensitive_and_the_warning_knows_the_right_one() -> None:
    document = parse("<Response><say>a</say><Say LOOP='2'>b</Say></Response>", source="s")
    assert document.verbs == (Say(text="b"),)
    assert messages(document) == [
        "s:1: <say>: unknown inside Response, skipped; capitals count, did you mean Say?",
        's:1: <Say LOOP="2">: unknown attribute, skipped; capitals count, did you mean loop?',
    ]


def test_a_warning_names_the_line_of_the_attribute_not_of_the_tag() -> None:
    document = parse(
        '<Response>\n<Dial\n  timeout="x"\n  record="a"\n\trecordBeep="y"><Number>1</Number>'
        "</Dial></Response>"
    )
    assert [(warning.attribute, warning.line) for warning in document.warnings] == [
        ("timeout", 3),
        ("record", 4),
        ("recordBeep", 5),
    ]


def test_a_warning_reads_as_a_sentence() -> None:
    document = parse("<Response><Pause length='9999'/></Response>", source="http://a/b")
    assert messages(document) == ['http://a/b:1: <Pause length="9999">: is not between 1 and 180; using 180']


def test_children_where_none_belong_are_skipped() -> None:
    document = parse("<Response><Pause><Say>a</Say></Pause><Play>/a<b/></Play>text</Response>")
    assert document.verbs == (Pause(), Play(url="/a"))
    assert [(warning.element, warning.message) for warning in document.warnings] == [
        ("Response", "its text has no meaning here, skipped"),
        ("Say", "unknown inside Pause, skipped"),
        ("b", "unknown inside Play, skipped"),
    ]


@pytest.mark.parametrize("root", ["<Say>a</Say>", "<response/>", "<x:Response xmlns:x='urn:x'/>", "<html/>"])
def test_another_root_is_no_document(root: str) -> None:
    with pytest.raises(DocumentError, match="not <Response>") as raised:
        parse(f"\n\n{root}", source="s")
    assert (raised.value.source, raised.value.line) == ("s", 3)


def every_schema(schema: Schema) -> dict[str, Schema]:
    found = {schema.name: schema}
    for child in schema.children.schemas.values() if schema.children else ():
        found |= every_schema(child)
    return found


def test_every_attribute_has_a_row_in_a_table() -> None:
    declared = {
        f"{schema.name}.{name}"
        for schema in every_schema(schema_of(Response)).values()
        for name in schema.attributes
    }
    rows = [str(row) for row in (*test_conference.ROWS, *test_dial.ROWS, *test_verbs.ROWS)]
    # A Header without a name is none.
    assert sorted([*rows, "Header.name"]) == sorted(declared)
