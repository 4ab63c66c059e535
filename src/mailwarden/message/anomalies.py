"""Something about a message's form that two readers could take differently, with a stable code.

The table says of each code what it is, for people, and how much it weighs.
What weighs nothing in ordinary mail is recorded only; what no honest program writes is malformed.
"""

from dataclasses import dataclass
from enum import Enum


class Weight(Enum):
    """What an anomaly means for the message."""

    HARMLESS = "harmless"  # ordinary mail has it: recorded only
    AMBIGUOUS = "ambiguous"  # two clients could show different things
    MALFORMED = "malformed"  # no honest program writes it


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One oddity of form: `code` is stable (`bare-cr`), `part` is the part's path."""

    code: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code stands for: a sentence for people, and its weight."""

    weight: Weight
    sentence: str


def weight_of(code: str) -> Weight:
    """How much an anomaly weighs; one that nobody has judged yet counts as ambiguous."""
    meaning = ANOMALIES.get(code)
    return meaning.weight if meaning else Weight.AMBIGUOUS


def sentence_of(code: str) -> str:
    """Return the sentence for people; the code itself when it has none."""
    meaning = ANOMALIES.get(code)
    return meaning.sentence if meaning else code


# The form of headers (`headers`).
_HEADERS = {
    "nul-in-header": Meaning(
        Weight.MALFORMED, "A header holds a NUL byte: readers stop there, skip it or keep it."
    ),
    "cr-in-header": Meaning(
        Weight.MALFORMED, "A header holds a CR that ends no line: for some readers it ends one."
    ),
    "line-of-blanks-in-header": Meaning(
        Weight.AMBIGUOUS, "A header holds a line of blanks: for some readers the body begins there."
    ),
    "begins-with-continuation": Meaning(
        Weight.MALFORMED,
        "A header begins with a continuation line: it belongs to whatever is put before it.",
    ),
    "field-without-name": Meaning(
        Weight.AMBIGUOUS,  # scripts that put a line break into a subject or an address do it
        "A header line has no field name: some readers skip it, for others the body begins there.",
    ),
    "broken-field-name": Meaning(
        Weight.AMBIGUOUS,  # so do programs that begin with a byte order mark
        "A field name holds characters that no name may have: readers skip the field, repair its"
        " name or begin the body there.",
    ),
    "blank-before-colon": Meaning(
        Weight.MALFORMED,
        "A MIME field has blanks before its colon: for some readers it is another field.",
    ),
    "overlong-field": Meaning(
        Weight.MALFORMED,
        "A date or MIME version is longer than any can be: old programs overflow.",
    ),
    "comment-in-field-name": Meaning(
        Weight.MALFORMED,
        "A MIME field has a comment in its name: for some readers it is another field.",
    ),
}

# The tree of parts (`parts`).
_PARTS = {
    "multipart-without-boundary": Meaning(
        Weight.AMBIGUOUS,
        "A multipart does not say what separates its parts: readers guess, or see none.",
    ),
    "multipart-without-parts": Meaning(
        Weight.AMBIGUOUS,
        "A multipart's boundary is nowhere in it: readers show its text, or nothing.",
    ),
    "multipart-unclosed": Meaning(
        Weight.HARMLESS, "A multipart has no closing line: it was cut, or readers wait for one."
    ),
    "boundary-too-long": Meaning(
        Weight.MALFORMED,
        "A boundary is longer than mail programs read: some compare its beginning.",
    ),
    "boundary-used-twice": Meaning(
        Weight.MALFORMED,
        "A multipart has the boundary of the one around it: readers nest their parts differently.",
    ),
    "boundary-in-header": Meaning(
        Weight.AMBIGUOUS,
        "A boundary line stands inside a header: for some readers the part ends there.",
    ),
    "delimiter-with-junk": Meaning(
        Weight.AMBIGUOUS,
        "A line begins with a boundary and goes on: for some readers it separates parts.",
    ),
    "delimiter-after-cr": Meaning(
        Weight.AMBIGUOUS,
        "A CR that ends no line stands before two hyphens: for some readers a part begins there.",
    ),
    "part-after-closing-boundary": Meaning(
        Weight.AMBIGUOUS,
        "A part comes after a multipart's closing line: some readers show it, others do not.",
    ),
    "part-like-text": Meaning(
        Weight.HARMLESS,
        "Text looks like the beginning of a part: returned mail often does.",
    ),
    "encoded-container": Meaning(
        Weight.AMBIGUOUS, "A multipart is encoded as a whole: a few readers decode it."
    ),
    "encoded-message": Meaning(
        Weight.HARMLESS,  # both readings are opened, and many programs attach mail like any file
        "An attached message is encoded as a whole: readers decode it or do not.",
    ),
    "partial-message": Meaning(
        Weight.AMBIGUOUS,
        "A message is one of several pieces: a client joins them, nobody else sees the whole.",
    ),
    "external-body": Meaning(
        Weight.AMBIGUOUS, "The content of a part lies elsewhere, where a client fetches it."
    ),
    "nul-in-body": Meaning(
        Weight.HARMLESS, "A body holds a NUL byte: some readers skip it, some stop there."
    ),
    "begins-with-blank-line": Meaning(
        Weight.AMBIGUOUS,
        "The message begins with a blank line: some readers see a header after it.",
    ),
}

# Values of fields (`content`) and bodies (`transfer`).
_VALUES = {
    "content-type-twice": Meaning(
        Weight.AMBIGUOUS,
        "A part has two Content-Type fields that disagree: readers take the first or the last.",
    ),
    "content-disposition-twice": Meaning(
        Weight.AMBIGUOUS,
        "A part has two Content-Disposition fields that disagree: readers take the first or"
        " the last.",
    ),
    "content-transfer-encoding-twice": Meaning(
        Weight.AMBIGUOUS,
        "A part has two transfer encodings: readers undo the first, the last or none.",
    ),
    "boundary-parameter-twice": Meaning(
        Weight.MALFORMED, "A multipart names two boundaries: readers see different parts."
    ),
    "charset-parameter-twice": Meaning(
        Weight.AMBIGUOUS, "A part names two charsets: readers see different text."
    ),
    "name-parameter-twice": Meaning(
        Weight.AMBIGUOUS,
        "A part has two names with different extensions: readers show and open one of them.",
    ),
    "names-differ": Meaning(
        Weight.HARMLESS,
        "The name in Content-Type has another extension than the one in Content-Disposition.",
    ),
    "boundary-outside-content-type": Meaning(
        Weight.AMBIGUOUS,
        "A boundary stands in another field than Content-Type: few readers look there.",
    ),
    "boundary-with-blanks": Meaning(
        Weight.AMBIGUOUS,
        "A boundary begins with a blank or is folded: readers keep the blank, drop it or"
        " stop there.",
    ),
    "comment-in-value": Meaning(
        Weight.AMBIGUOUS,
        "A comment stands where it matters: readers drop it, keep it or stop there.",
    ),
    "control-in-value": Meaning(
        Weight.MALFORMED,
        "A control character stands where it matters: readers drop it, stop there or take it"
        " for a blank.",
    ),
    "encoded-word-in-parameter": Meaning(
        Weight.MALFORMED,
        "A type, a boundary or an encoding is an encoded word, which only some readers"
        " decode there.",
    ),
    "escape-in-value": Meaning(
        Weight.AMBIGUOUS,
        "A backslash stands where it matters: readers drop it, keep it or let it protect"
        " what follows.",
    ),
    "quote-in-value": Meaning(
        Weight.AMBIGUOUS,
        "Quotes stand in odd places or are not closed: readers disagree about where the"
        " value ends.",
    ),
    "blank-in-value": Meaning(
        Weight.AMBIGUOUS, "A value without quotes has a blank in it: readers stop there or go on."
    ),
    "semicolon-in-value": Meaning(
        Weight.AMBIGUOUS, "A semicolon stands in a value: readers stop there or go on."
    ),
    "hidden-parameter": Meaning(
        Weight.AMBIGUOUS,
        "A parameter stands where none begins, such as after a comma or in quotes: some"
        " readers find it.",
    ),
    "parameter-continuation-across-fields": Meaning(
        Weight.MALFORMED,
        "The pieces of one parameter stand in several fields: some readers join them.",
    ),
    "parameter-continuation-gap": Meaning(
        Weight.MALFORMED, "Pieces of a parameter are missing: readers stop there or join the rest."
    ),
    "parameter-continuation-order": Meaning(
        Weight.AMBIGUOUS,
        "The pieces of a parameter are not in order: some readers join them as they stand.",
    ),
    "parameter-continuation-twice": Meaning(
        Weight.MALFORMED,
        "Two pieces of a parameter have the same number: readers take the first, the last or both.",
    ),
    "parameter-percent-encoding": Meaning(
        Weight.AMBIGUOUS, "A value has escapes that nothing announces: some readers undo them."
    ),
    "nul-in-name": Meaning(
        Weight.MALFORMED, "A file name has a NUL in it: some programs stop there."
    ),
    "direction-override-in-name": Meaning(
        Weight.MALFORMED, "A file name turns letters round: it ends otherwise than it looks."
    ),
    "encoding-private": Meaning(
        Weight.HARMLESS,
        "A transfer encoding that no standard knows, such as uuencode: some readers undo it.",
    ),
    "encoding-unclean": Meaning(
        Weight.AMBIGUOUS,
        "A transfer encoding is misspelt or has junk around it: readers undo it or do not.",
    ),
    "encoding-unknown": Meaning(
        Weight.AMBIGUOUS,
        "A transfer encoding is one that nobody knows: readers guess, or show the part as it is.",
    ),
    "broken-encoding": Meaning(
        Weight.MALFORMED,
        "The transfer encoding of an attachment is broken: readers skip junk or stop at it.",
    ),
}

ANOMALIES: dict[str, Meaning] = {**_HEADERS, **_PARTS, **_VALUES}
