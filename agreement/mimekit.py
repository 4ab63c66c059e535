"""MimeKit: offsets of every part in two forms of an mbox, joined messages, yEnc files.

`mbox/NAME.unix-offsets.json` and `NAME.dos-offsets.json` say of each message of `NAME.mbox.txt`,
with LF and with CRLF, where its parts begin and end; of two mboxes the corpus has the offsets only.
`partial` holds the pieces of messages and the whole ones, `yenc` a file whole and in pieces.
Source: MimeKit's `MimeOffsets`; an endOffset is without the line end of the next boundary.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agreement.frame import LIMITS, Case, Result, Tools, octets_text, with_lf
from mailwarden.message.parts import read_message
from mailwarden.message.tree import Part

FOLDER = "mime/mimekit-messages"

_FORMS = ("unix", "dos")
_Json = dict[str, Any]  # as MimeKit writes it


def compare(tools: Tools) -> Result:
    """Compare all that is machine-readable."""
    folder = tools.corpus / FOLDER
    cases = [
        case
        for mbox in sorted(folder.glob("mbox/*.mbox.txt"))
        for form in _FORMS
        for case in _offsets(mbox, form)
    ]
    cases.extend(_pieces(folder / "partial"))
    cases.append(_joined_file(tools, folder / "yenc"))
    return Result(cases)


def _offsets(mbox: Path, form: str) -> Iterator[Case]:
    expected = mbox.with_name(f"{mbox.name.removesuffix('.mbox.txt')}.{form}-offsets.json")
    if not expected.exists():
        return
    octets = with_lf(mbox.read_bytes())
    if form == "dos":
        octets = octets.replace(b"\n", b"\r\n")
    name = str(expected.relative_to(mbox.parent.parent))
    for number, message in enumerate(json.loads(expected.read_text(encoding="utf-8")), 1):
        begin = message["beginOffset"]
        raw = octets[begin : message["endOffset"]]
        root = read_message(raw, LIMITS).root
        ours, theirs = _our_lines(root, begin), list(_their_lines(message["body"]))
        yield Case(name, "offsets", "\n".join(ours), "\n".join(theirs), f"message {number}")


def _our_lines(part: Part, begin: int) -> list[str]:
    """Give `type begin headers-end end` of a part and all in it."""
    here = (part.header.start + begin, part.body_start + begin, part.body_end + begin)
    lines = [_line(part.media_type, *here)]
    for child in part.children:
        lines += _our_lines(child, begin)
    return lines


def _their_lines(entity: _Json) -> Iterator[str]:
    """Yield the same for theirs; an attached message is a part of its own for us."""
    offsets = (entity["beginOffset"], entity["headersEndOffset"], entity["endOffset"])
    yield _line(entity["mimeType"], *offsets)
    for child in entity.get("children", ()):
        yield from _their_lines(child)
    if "message" in entity:
        yield from _their_lines(entity["message"]["body"])


def _line(media_type: str, begin: int, headers_end: int, end: int) -> str:
    return f"{media_type.lower()} {begin} {headers_end} {end}"


def _pieces(folder: Path) -> Iterator[Case]:
    """A piece of a message must be said to be one: nobody sees the whole of it."""
    for piece in sorted(folder.glob("*.eml")):
        theirs = "partial" if re.search(r"\.\d+\.eml\Z", piece.name) else "whole"
        anomalies = read_message(piece.read_bytes(), LIMITS).anomalies
        codes = {anomaly.code for anomaly in anomalies}
        ours = "partial" if "partial-message" in codes else "whole"
        yield Case(f"partial/{piece.name}", "pieces", ours, theirs)


def _joined_file(tools: Tools, folder: Path) -> Case:
    """A file that two messages carry in yEnc."""
    pieces = b""
    for message in sorted(folder.glob("000000*.ntx")):
        body = with_lf(message.read_bytes()).partition(b"\n\n")[2]
        opened = tools.path.unpack(body, "")
        pieces += b"".join(opened.kept.values())
    theirs = (folder / "joystick.jpg").read_bytes()
    return Case("yenc/joystick.jpg", "octets", octets_text(pieces), octets_text(theirs))
