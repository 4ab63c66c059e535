"""MIME-tools: lists of parts in the form of Perl, as far as a message has one.

`NAME.ref` names its message and says of each `Part_2_1` type, file name, encoding and size in
octets when decoded; `Msg` is the message itself.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from agreement.frame import LIMITS, Case, Result, Tools, nearest
from mailwarden.message.readings import read_every_way
from mailwarden.message.tree import Part, Reading
from mailwarden.unpack.contents import Item

FOLDER = "mime/mime-tools"

_SECTION = re.compile(r'"?(Part_[0-9_]+|Msg|Parser)"?\s*=>\s*\{(.*?)\n\s*\}', re.DOTALL)
_PAIR = re.compile(r'"?(\w+)"?\s*=>\s*"?((?:[^"\\\n]|\\.)*?)"?\s*(?:,|\n|\Z)')
_NUMBERED = re.compile(r"\\x\{([0-9a-f]+)\}")

_Section = Mapping[str, str]


def compare(tools: Tools) -> Result:
    """Compare every message that has a list."""
    folder = tools.corpus / FOLDER
    lists = sorted(folder.glob("*.ref"))
    return Result([case for one in lists for case in _cases(tools, one)])


def _cases(tools: Tools, expected: Path) -> list[Case]:
    sections = _read(expected.read_text(encoding="latin-1"))
    parser = sections.pop("Parser")
    raw = (expected.parent / Path(parser["Message"]).name).read_bytes()
    if parser.get("ExtractUuencode") == "1":
        return [_uuencoded(tools, expected.name, raw, sections)]
    readings = read_every_way(raw, LIMITS)
    return nearest(readings, lambda reading: list(_compared(expected.name, reading, sections)))


def _read(text: str) -> dict[str, _Section]:
    return {
        match[1]: {key: _value(value) for key, value in _PAIR.findall(match[2])}
        for match in _SECTION.finditer(text)
    }


def _value(text: str) -> str:
    """Undo what Perl writes: escapes, characters by number, `qq{}` for quotes."""
    numbered = _NUMBERED.sub(lambda match: chr(int(match[1], 16)), text).replace("\\", "")
    return numbered.removeprefix("qq{").removesuffix("}") if "qq{" in numbered else numbered


def _uuencoded(tools: Tools, name: str, raw: bytes, sections: Mapping[str, _Section]) -> Case:
    """Files in the text, parts for them and members of a container for us."""
    theirs = sorted(
        f"{section['Filename']} {section['Size']}"
        for section in sections.values()
        if "Filename" in section and section.get("Encoding") == "base64"
    )
    items = tools.path.unpack(raw, "").contents.items
    ours = sorted(f"{item.names[0]} {item.size_bytes}" for item in items if _is_uuencoded(item))
    return Case(name, "uuencode", ", ".join(ours), ", ".join(theirs))


def _is_uuencoded(item: Item) -> bool:
    return item.containers[-1] == "uuencode" and bool(item.names)


def _compared(name: str, reading: Reading, sections: Mapping[str, _Section]) -> Iterator[Case]:
    parts = {part.path: part for part in reading.walk()}
    for section, theirs in sorted(sections.items()):
        path = section.removeprefix("Part_").replace("_", ".") if section != "Msg" else ""
        part = parts.get(path)
        ours = _ours(reading, part) if part else {}
        for key in ("Type", "Encoding", "Filename", "Size"):
            if key in theirs:
                yield Case(name, key.lower(), ours.get(key, "none"), theirs[key].lower(), section)


def _ours(reading: Reading, part: Part) -> _Section:
    return {
        "Type": part.media_type,
        "Encoding": part.encoding or "7bit",
        "Filename": next(iter(part.names), "").lower(),
        "Size": str(len(reading.payload(reading.raw, part).octets)),
    }
