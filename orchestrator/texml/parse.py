"""A document's bytes -> its verbs. Pure: no network, no files, no clock."""

from typing import cast

from orchestrator.texml import limits
from orchestrator.texml.document import Document, DocumentError
from orchestrator.texml.encoding import to_utf8
from orchestrator.texml.response import Response
from orchestrator.texml.schema import NO_DEFAULTS, Defaults, owners_of, schema_of
from orchestrator.texml.template import TemplateError, Values, fill_in, is_template
from orchestrator.texml.tree import bare_name, line_of, to_tree
from orchestrator.texml.walk import Walk

_RESPONSE = schema_of(Response)
_OWNERS = owners_of(_RESPONSE)


def parse(
    document: bytes | str,
    *,
    source: str = "",
    charset: str = "",
    defaults: Defaults = NO_DEFAULTS,
    values: Values | None = None,
) -> Document:
    """The verbs of a TeXML document and the warnings about it; `source` is how both name the document, and
    `charset` what its Content-Type says, if it says anything. `defaults` are those of attributes that are not
    Telnyx's, and `values` those of a template; without any a document is none.

    Any mistake in a verb or an attribute is a warning. DocumentError only if there is no Response to
    run: not well-formed, above MAX_BYTES, nested too deeply, a DTD, an unknown encoding, another root.
    """
    data = _filled_in(_bounded(document, source, charset), source, values)
    root, namespace_errors = to_tree(data, source)
    if bare_name(root) != _RESPONSE.name:
        raise DocumentError(source, line_of(root), f"the root is <{bare_name(root)}>, not <Response>")
    walk = Walk(data, source, defaults, _OWNERS)
    for line, message in namespace_errors[: limits.MAX_WARNINGS]:
        walk.warn(line, _RESPONSE.name, message)
    response = cast(Response, walk.build(_RESPONSE, root))
    return Document(response.verbs, tuple(walk.warnings))


def _filled_in(data: bytes, source: str, values: Values | None) -> bytes:
    if values is None or not is_template(data):
        return data
    try:
        return fill_in(data.decode(), values).encode("utf-8", "replace")
    except TemplateError as error:
        raise DocumentError(source, error.line, str(error)) from error
    except UnicodeDecodeError as error:
        raise DocumentError(source, 0, f"cannot be read: {error}") from error


def _bounded(document: bytes | str, source: str, charset: str) -> bytes:
    too_big = f"has more than {limits.MAX_BYTES} bytes"
    if len(document) > limits.MAX_BYTES:
        raise DocumentError(source, 0, too_big)
    try:
        data = to_utf8(document, charset)
    except ValueError as error:
        raise DocumentError(source, 0, f"cannot be read: {error}") from error
    if len(data) > limits.MAX_BYTES:
        raise DocumentError(source, 0, f"{too_big} in UTF-8")
    return data
