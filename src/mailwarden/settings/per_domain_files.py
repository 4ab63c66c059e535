"""Qmail-Scanner's two files of settings for users and domains, read as they are.

`settings_per_domain.txt`, a row for each user or domain; fields at the end may be left out, and an
empty one is as for everybody:

    key:scanners'sa_subject'sa_quarantine'sa_delta'sa_delete'sa_reject'sa_forward'sa_fwd_verbose
    'sa_hdr_report'smaildir                                          (all this is one line)

`scanners_per_domain.txt` has the key and the scanners only. Comments begin with `#`.
Each row becomes a profile; rows that say the same become one. What a row cannot say here is a
mistake with its line, never left out in silence. Source: facts 6.1, 6.2 and, for names, 3.8.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import Enum
from json import dumps
from pathlib import Path
from typing import Annotated, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from mailwarden.message.encoded_words import decode_text
from mailwarden.settings.per_recipient import (
    AttachmentSettings,
    DispositionSettings,
    ProfileSettings,
    ScannerName,
    SpamSettings,
    StructureSettings,
)
from mailwarden.settings.rule_files import Mistake
from mailwarden.settings.values import Section, Words, absolute_path, recipient_pattern

# A row has some 100 bytes, so this is room for all rows that are allowed.
PER_DOMAIN_FILE_BYTES = 10_000_000
MOST_ROWS = 100_000
# Each of them is settings of its own, some six kilobytes in every worker.
MOST_DIFFERENT_ROWS = 20_000
# Where more is wrong, this is another sort of file.
MOST_MISTAKES = 100

# More than the longest address, subject and names of all scanners together.
_ROW_CHARACTERS = 2_000
_SHOWN_CHARACTERS = 40
_NONE = "none"

# What a row says: the tables and settings of a profile, without whom it is for.
_Said = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SpamField:
    """A field of a row: its name there, the setting of `[spam]`, how it is read, in words."""

    name: str
    setting: str
    read: Callable[[str], object]
    words: str


_Values = Sequence[tuple[SpamField, str]]


class FileKind(Enum):
    """Which of the two files; the value is the setting that names it."""

    SCANNERS = "scanners_file"
    SETTINGS = "settings_file"


@dataclass(frozen=True, slots=True)
class PerDomainFile:
    """One of the files by its path, with what was read from it.

    `lines` has the line of every key, in lower case.
    """

    path: Path
    profiles: tuple[ProfileSettings, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, hash=False)
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Something that a row cannot say: what it is, and what to do."""

    message: str
    suggestion: str


def read_per_domain_file(path: Path, kind: FileKind) -> PerDomainFile:
    """Read one of the files; raises `OSError` when it cannot be read."""
    with path.open("rb") as file:
        octets = file.read(PER_DOMAIN_FILE_BYTES + 1)
    if len(octets) > PER_DOMAIN_FILE_BYTES:
        message = f"larger than {PER_DOMAIN_FILE_BYTES:_} bytes"
        return PerDomainFile(path, mistakes=(Mistake(0, message, "is this the right file?"),))
    rows = _Rows(kind)
    for number, text in _lines(octets):
        if rows.is_full:
            rows.refuse_all_from(number)
            break
        rows.read(number, text)
    return PerDomainFile(path, rows.profiles(), rows.lines, tuple(rows.mistakes))


def _lines(octets: bytes) -> Iterator[tuple[int, str]]:
    """Lines that say something; blanks at a line's end may belong to a subject's text."""
    for number, line in enumerate(octets.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = decode_text(line.removesuffix(b"\r"), "").lstrip()
        if text and not text.startswith("#"):
            yield number, text


class _Rows:
    """What has been read of one file so far."""

    def __init__(self, kind: FileKind) -> None:
        self._kind = kind
        # Most rows of a large file say one of a few things: each is read once.
        self._read: dict[str, tuple[_Said, tuple[_Wrong, ...]]] = {}
        self._keys: dict[str, list[str]] = {}
        self.lines: dict[str, int] = {}
        self.mistakes: list[Mistake] = []

    @property
    def is_full(self) -> bool:
        return bool(self._limit())

    def refuse_all_from(self, number: int) -> None:
        message = f"not read from here on, for there are {self._limit()} before it"
        self.mistakes.append(Mistake(number, message, "is this the right file?"))

    def _limit(self) -> str:
        """The limit that has been reached, or empty."""
        reached = (
            (self.lines, MOST_ROWS, "rows"),
            (self._read, MOST_DIFFERENT_ROWS, "rows that say something different"),
            (self.mistakes, MOST_MISTAKES, "mistakes"),
        )
        return next(
            (f"{most:_} {what}" for counted, most, what in reached if len(counted) >= most), ""
        )

    def read(self, number: int, text: str) -> None:
        key, colon, rest = text.partition(":")
        wrong = [*self._wrong_key(key, colon), *(self._said(rest)[1] if colon else ())]
        self.mistakes += [Mistake(number, one.message, one.suggestion) for one in wrong]
        if not wrong:
            key = key.strip().lower()
            self.lines[key] = number
            self._keys.setdefault(rest, []).append(key)

    def profiles(self) -> tuple[ProfileSettings, ...]:
        return tuple(
            ProfileSettings.model_validate({"match": tuple(keys), **self._read[rest][0]})
            for rest, keys in self._keys.items()
        )

    def _wrong_key(self, key: str, colon: str) -> Iterator[_Wrong]:
        if not colon:
            yield _Wrong(
                "expected user@domain or domain, a colon and scanners",
                "write example.org:sophie,sa,ps, or example.org:none",
            )
        elif not _is_key(key.strip()):
            yield _Wrong(
                f"expected user@domain or domain before the colon; found {_shown(key.strip())}",
                "domains below a domain are known to [[profile]] in the settings file",
            )
        elif earlier := self.lines.get(key.strip().lower()):
            yield _Wrong(
                f"{_shown(key.strip())} already has a row, in line {earlier}",
                "take one of the two out",
            )

    def _said(self, rest: str) -> tuple[_Said, tuple[_Wrong, ...]]:
        if rest not in self._read:
            self._read[rest] = _row(rest, self._kind)
        return self._read[rest]


def _is_key(key: str) -> bool:
    try:
        return not recipient_pattern(key).startswith(".")
    except ValueError:
        return False


def _shown(text: str) -> str:
    """A word of the file, safe for any terminal."""
    return dumps(text[:_SHOWN_CHARACTERS])


def _row(rest: str, kind: FileKind) -> tuple[_Said, tuple[_Wrong, ...]]:
    """Everything that a row says behind its key, and everything that is wrong there."""
    if len(rest) > _ROW_CHARACTERS:
        long = _Wrong(f"longer than {_ROW_CHARACTERS:_} characters", "is this the right file?")
        return {}, (long,)
    text, *fields = rest.split("'")
    names = [name.strip().lower().removesuffix("_scanner") for name in text.split(",")]
    values = [(one, text) for one, text in zip(SPAM_FIELDS, fields, strict=False) if text.strip()]
    wrong = (*_wrong_shape(text, fields, kind), *_wrong_names(names), *_wrong_values(values))
    return ({} if wrong else _said(names, values)), wrong


def _said(names: Sequence[str], values: _Values) -> _Said:
    spam = {one.setting: one.read(text) for one, text in values}
    told: _Said = {"spam": SpamSettings.model_validate(spam)} if spam else {}
    return {**_scanning(names), **told}


def _wrong_shape(names: str, fields: list[str], kind: FileKind) -> Iterator[_Wrong]:
    if fields and kind is FileKind.SCANNERS:
        yield _Wrong(
            "expected scanners only; found fields between single quotes",
            "is it settings_per_domain.txt? then name it in per_domain.settings_file",
        )
    if len(fields) > len(SPAM_FIELDS):
        yield _Wrong(
            f"expected at most {len(SPAM_FIELDS)} fields behind the scanners; found {len(fields)}",
            "fields are separated by single quotes, so none may hold one",
        )
    if not any(text.strip() for text in (names, *fields)):
        yield _Wrong("this row says nothing", "write none for no scanner, or take the row out")


# --- the scanners


def _scanning(names: Sequence[str]) -> _Said:
    """What a list of scanners means: who is asked, and whether the checks of our own are on."""
    if names == [""]:
        return {}
    if names == [_NONE]:
        return {"scanners": (), **_WITHOUT_ALL}
    meant = {_NAMES[name] for name in names}
    scanners = tuple(scanner for scanner in _SCANNERS if scanner in meant)
    return {"scanners": scanners, **({} if _CHECKS in meant else _WITHOUT_CHECKS)}


def _wrong_names(names: Sequence[str]) -> Iterator[_Wrong]:
    if names not in ([""], [_NONE]):
        yield from (_wrong_name(name) for name in names if name not in _NAMES)


def _wrong_name(name: str) -> _Wrong:
    if name == _NONE:
        return _Wrong("none stands beside other scanners", "write none alone, or the others")
    if name == "verbose_spamassassin":
        return _Wrong(
            "fast or verbose is the same for everybody", "write sa here, and set spamd.mode"
        )
    near = get_close_matches(name, _NAMES, 1)
    advice = f"did you mean {near[0]}?" if near else "clamdscan stands for any virus scanner here"
    return _Wrong(f"no scanner is called {_shown(name)}", advice)


_CHECKS: Final = "checks"
# In our own order, so that rows that say the same have equal settings.
_SCANNERS: Final[tuple[ScannerName, ...]] = ("clamd", "spamd", "test-patterns")
# Our one virus scanner stands for each of theirs.
_VIRUS_SCANNERS = (
    *("clamd", "clamscan", "clamdscan", "clamuko", "sweep", "sophie", "vscan", "trophie"),
    *("iscan", "uvscan", "csav", "antivir", "hbedv", "vexira", "kavscanner", "kavdaemon"),
    *("avp", "avplinux", "avpdaemonclient", "fsav", "fprot", "f-prot", "inocucmd", "ravlin"),
    *("bdc", "bitdefender", "nod32", "avgd", "mhr"),
)
_NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(_VIRUS_SCANNERS, "clamd"),
    **dict.fromkeys(("sa", "spamassassin", "fast_spamassassin", "spamd"), "spamd"),
    **dict.fromkeys(("ps", "perlscan", "perlscanner"), _CHECKS),
    "test-patterns": "test-patterns",
}
# Without `ps`: neither names nor form nor passwords are judged.
_WITHOUT_CHECKS: Final[Mapping[str, Section]] = {
    "attachments": AttachmentSettings(
        forbidden_extensions=(), default_rules=False, rules_files=(), rules=()
    ),
    "structure": StructureSettings(enabled=False),
    "dispositions": DispositionSettings(encrypted="accept", unopened="accept"),
}
# With `none`, nobody looks at what is inside, so that no limit keeps anybody from it.
_WITHOUT_ALL: Final[Mapping[str, Section]] = {
    **_WITHOUT_CHECKS,
    "dispositions": DispositionSettings(encrypted="accept", unopened="accept", over_limit="accept"),
}


# --- the fields behind them


def _wrong_values(values: _Values) -> Iterator[_Wrong]:
    for one, text in values:
        try:
            SpamSettings.model_validate({one.setting: one.read(text)})
        except (ValueError, KeyError, InvalidOperation):
            yield _Wrong(
                f"{one.name}: expected {one.words}; found {_shown(text.strip())}",
                "correct it, or leave it empty to have what everybody has",
            )


def _subject(text: str) -> str:
    return "" if text.strip().lower() == _NONE else text


def _switch(text: str) -> bool:
    return _SWITCHES[text.strip().lower()]


def _word(text: str) -> str:
    return text.strip()


# What the original takes for 0 and 1 (facts 2).
_SWITCHES = {"0": False, "no": False, "off": False, "1": True, "yes": True, "on": True}
_POINTS_WORDS = "a number of points, at least 0, at most 10_000"
_SWITCH_WORDS = "0 or 1"
# In the order of a row.
SPAM_FIELDS: Final = (
    SpamField("sa_subject", "subject", _subject, "at most 100 characters, or none"),
    SpamField("sa_quarantine", "quarantine_above", Decimal, _POINTS_WORDS),
    SpamField("sa_delta", "delta", Decimal, _POINTS_WORDS),
    SpamField("sa_delete", "delete_above", Decimal, _POINTS_WORDS),
    SpamField("sa_reject", "reject", _switch, _SWITCH_WORDS),
    SpamField("sa_forward", "forward", _word, "a mail address"),
    SpamField("sa_fwd_verbose", "forward_verbose", _switch, _SWITCH_WORDS),
    SpamField("sa_hdr_report", "report", _switch, _SWITCH_WORDS),
    SpamField("smaildir", "maildir", _word, "a folder's name of letters, digits, _ and -"),
)


# --- the setting


def _file(value: object) -> PerDomainFile | None:
    if value is None or isinstance(value, PerDomainFile):
        return value
    return None if value == "" else PerDomainFile(absolute_path(value))


PerDomainPath = Annotated[
    PerDomainFile | None,
    PlainValidator(_file),
    PlainSerializer(lambda file: str(file.path) if file else "", return_type=str),
    WithJsonSchema({"type": "string"}),
    Words("an absolute path, or an empty text"),
]
