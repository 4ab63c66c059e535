"""Structure checks: messages whose form hides something from other readers.

The rules of Qmail-Scanner's `--fix-mime` that are known from real logs, and the ones that follow
from what our reader could not take apart. Only MIME messages are judged: in others nothing hides.
Source: facts 3.5.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from mailwarden.message.anomalies import Anomaly
from mailwarden.message.parts import Part, Reading
from mailwarden.message.raw import Raw
from mailwarden.verdict.report import Finding, Kind

# The first few say enough; a hostile message has thousands.
FINDINGS = 20

# Anomalies that block, each with its sentence for people. All others are recorded only.
_MALFORMED = {
    "nul-in-header": "A header holds a NUL byte.",
    "cr-in-header": "A header holds a CR that ends no line.",
    "field-without-name": "A header line has no field name.",
    "broken-field-name": "A field name holds characters that no name may have.",
    "blank-before-colon": "A MIME field has blanks before its colon.",
    "comment-in-field-name": "A MIME field has a comment in its name.",
    "multipart-without-boundary": "A multipart does not say what separates its parts.",
    "multipart-without-parts": "A multipart's boundary is nowhere in it.",
    "boundary-too-long": "A boundary is longer than mail programs read.",
    "boundary-used-twice": "A multipart has the boundary of the one around it.",
    "encoded-container": "A multipart or an attached message is encoded as a whole.",
}
_END_OF_LINE = frozenset({"nul-in-header", "cr-in-header"})
_MIME_FIELDS = (b"mime-version", b"content-type", b"content-transfer-encoding")


def check_structure(raw: Raw, reading: Reading, *, ignore_eol: bool) -> tuple[Finding, ...]:
    """Say what is malformed, and which limits the reading hit.

    With `ignore_eol`, CR and NUL in headers pass (`--ignore-eol-check`).
    """
    limits = check_reading_limits(reading)
    if not _is_mime(reading.root):
        return limits
    passed = _END_OF_LINE if ignore_eol else frozenset()
    anomalies = (one for one in reading.anomalies if not _is_cut_return(one, reading))
    findings = (*_malformed(anomalies, passed), *_undecodable(raw, reading))
    return (*findings[:FINDINGS], *limits)


def check_reading_limits(reading: Reading) -> tuple[Finding, ...]:
    """Say which limits the reading hit; for clients exempt from the other checks, too."""
    return tuple(
        Finding(
            by="structure",
            kind=Kind.OVER_LIMIT,
            name=limit,
            detail="The message was not wholly taken apart.",
        )
        for limit in reading.exceeded
    )


def _is_mime(root: Part) -> bool:
    return any(root.header.first(name) for name in _MIME_FIELDS)


def _is_cut_return(anomaly: Anomaly, reading: Reading) -> bool:
    """Reports of failed delivery bring the message back cut off, often before its first part."""
    root = reading.root
    return (
        anomaly.code == "multipart-without-parts"
        and anomaly.part != root.path
        and root.media_type == "multipart/report"
    )


def _malformed(anomalies: Iterable[Anomaly], passed: frozenset[str]) -> Iterator[Finding]:
    blocking = _MALFORMED.keys() - passed
    found = (anomaly for anomaly in anomalies if anomaly.code in blocking)
    for anomaly in islice(found, FINDINGS):
        yield Finding(
            by="structure",
            kind=Kind.MALFORMED,
            name=anomaly.code,
            part=anomaly.part,
            detail=_MALFORMED[anomaly.code],
        )


def _undecodable(raw: Raw, reading: Reading) -> Iterator[Finding]:
    """Broken base64 in text is seen by whoever reads it; in an attachment it hides something."""
    for part in reading.walk():
        if part.encoding != "base64" or part.children or not _is_attachment(part):
            continue
        if not reading.payload(raw, part).is_clean:
            yield Finding(
                by="structure",
                kind=Kind.MALFORMED,
                name="broken-base64",
                part=part.path,
                filename=next(iter(part.names), ""),
                detail="The base64 of an attachment is broken; programs read it differently.",
            )


def _is_attachment(part: Part) -> bool:
    return bool(part.names) or not part.media_type.startswith("text/")
