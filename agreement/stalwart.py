"""Stalwart's mail-parser: a parse tree as JSON for each message, with LF and with CRLF.

A tree has all parts in one list; `Multipart` holds the numbers of its parts, `Message` a tree of
its own. We compare how parts nest, media types, names, where bodies begin and end, and what is
decoded: text as characters, binary as octets.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agreement.frame import LIMITS, Case, Result, Tools, nearest, with_lf
from mailwarden.message.encoded_words import decode_text
from mailwarden.message.readings import read_every_way
from mailwarden.message.tree import Part, Reading

FOLDER = "mime/stalwart"

_FORMS = {"json": b"\n", "crlf.json": b"\r\n"}
_BLANKS = re.compile(r"\s+")
_Json = dict[str, Any]  # as mail-parser writes it


@dataclass(frozen=True, slots=True)
class _Row:
    """One part: where its header and body begin and its body ends; `body` of a part without parts.

    `depth` is how many parts it lies in.
    """

    depth: int
    media_type: str
    name: str
    offsets: tuple[int, int, int]
    body: str | None


def compare(tools: Tools) -> Result:
    """Compare every message in both forms."""
    folder = tools.corpus / FOLDER
    expectations = sorted(folder.rglob("*.json"))
    return Result([case for expected in expectations for case in _cases(expected, folder)])


def _cases(expected: Path, folder: Path) -> list[Case]:
    name = str(expected.relative_to(folder))
    message, _, form = expected.name.partition(".")
    raw = with_lf((expected.parent / f"{message}.eml").read_bytes())
    readings = read_every_way(raw.replace(b"\n", _FORMS[form]), LIMITS)
    theirs = list(_their_rows(json.loads(expected.read_text(encoding="utf-8")), 0, 0))
    return nearest(readings, lambda reading: list(_compared(name, reading, theirs)))


def _compared(name: str, reading: Reading, theirs: Sequence[_Row]) -> Iterator[Case]:
    """Compare the whole, and then each part that both have."""
    ours = list(_our_rows(reading, reading.root, 0))
    yield Case(name, "structure", _outline(ours), _outline(theirs))
    by_start = {row.offsets[0]: row for row in reversed(theirs)}
    for our in ours:
        their = by_start.get(our.offsets[0])
        if their is None or our.media_type != their.media_type:
            continue
        place = f"part at {our.offsets[0]}"
        yield Case(name, "name", our.name, their.name, place)
        yield Case(name, "offsets", str(our.offsets), str(their.offsets), place)
        if our.body is not None and their.body is not None:
            yield Case(name, "body", our.body, their.body, place)


def _outline(rows: Iterable[_Row]) -> str:
    return "; ".join(f"{'>' * row.depth}{row.media_type}" for row in rows)


def _our_rows(reading: Reading, part: Part, depth: int) -> Iterator[_Row]:
    yield _Row(
        depth,
        part.media_type,
        next(iter(part.names), ""),
        (part.header.start, part.body_start, part.body_end),
        None if part.children else _our_body(reading, part),
    )
    for child in part.children:
        yield from _our_rows(reading, child, depth + 1)


def _our_body(reading: Reading, part: Part) -> str:
    octets = reading.payload(reading.raw, part).octets
    return _text(decode_text(octets, part.charset))


def _their_rows(tree: _Json, number: int, depth: int) -> Iterator[_Row]:
    part = tree["parts"][number]
    (kind, body), *_ = part["body"].items()
    yield _Row(
        depth,
        _their_type(part, kind),
        _their_name(part),
        (part["offset_header"], part["offset_body"], part["offset_end"]),
        _their_body(kind, body),
    )
    if kind == "Multipart":
        for inside in body:
            yield from _their_rows(tree, inside, depth + 1)
    elif kind == "Message":
        yield from _their_rows(body, 0, depth + 1)


def _their_body(kind: str, body: Any) -> str | None:  # noqa: ANN401 - as the kind says
    match kind:
        case "Text" | "Html":
            return _text(body)
        case "Binary" | "InlineBinary":
            return _text(decode_text(bytes(body), ""))
        case _:
            return None


def _their_type(part: _Json, kind: str) -> str:
    value = _field(part, "content_type")
    if value is None:
        return "text/plain" if kind != "Message" else "message/rfc822"
    subtype = value.get("c_subtype")
    return f"{value['c_type']}/{subtype}".lower() if subtype else value["c_type"].lower()


def _their_name(part: _Json) -> str:
    for field, key in (("content_disposition", "filename"), ("content_type", "name")):
        for one in (_field(part, field) or {}).get("attributes") or ():
            if one["name"] == key:
                return str(one["value"])
    return ""


def _field(part: _Json, name: str) -> _Json | None:
    values = [one["value"] for one in part["headers"] if one["name"] == name]
    return values[-1].get("ContentType") if values and isinstance(values[-1], dict) else None


def _text(text: str) -> str:
    """Leave out line ends, with which they deal differently, and shorten for printing."""
    return _BLANKS.sub(" ", text).strip()
