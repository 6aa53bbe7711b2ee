"""Spellings of one phone number: what people, address books, carriers and attackers make of it."""

from __future__ import annotations

from hypothesis import strategies as st

SEPARATORS = [
    "",
    "",
    "",
    "-",
    " ",
    ".",
    "\N{EN DASH}",
    "\N{NO-BREAK SPACE}",
    "\N{NARROW NO-BREAK SPACE}",
    "/",
]
SEPARATORS += [
    "\N{SOFT HYPHEN}",
    "\N{ZERO WIDTH SPACE}",
    "\N{NON-BREAKING HYPHEN}",
    "\N{MINUS SIGN}",
    ") ",
    "(",
]
PLUSES = [
    "+",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{SMALL PLUS SIGN}",
    "\N{SUPERSCRIPT PLUS SIGN}",
    "tel:+",
    "TEL:+",
]
ZEROS = ["0", "\N{FULLWIDTH DIGIT ZERO}", "\N{ARABIC-INDIC DIGIT ZERO}", "\N{DEVANAGARI DIGIT ZERO}"]
AROUND = ["", " ", "\t", "\n", "\N{LEFT-TO-RIGHT EMBEDDING}", "\N{POP DIRECTIONAL FORMATTING}", "\ufeff"]
AFTER = ["", "", "", ",,5", "w5", "p1", ";ext=5", "x5", "#", "\0", "%00", "@", ";npdi=yes", ";isub=1", "9"]
NATIONAL = ["", "1", "1-", "(1)", "011 1 ", "001", "1 1 ", "+1 1", "+1 (1) "]


@st.composite
def spellings(draw: st.DrawFn, country: str, national: str) -> str:
    """Of `+` `country` `national`, read in the United States; some that nobody could read as well."""
    plus = draw(st.sampled_from([*(sign + country for sign in PLUSES), *NATIONAL]))
    zero = ord(draw(st.sampled_from(ZEROS)))
    digits = "".join(
        draw(st.sampled_from(SEPARATORS)) + (chr(zero + int(digit)) if draw(st.booleans()) else digit)
        for digit in national
    )
    around = st.sampled_from(AROUND)
    return draw(around) + plus + digits + draw(st.sampled_from(AFTER)) + draw(around)
