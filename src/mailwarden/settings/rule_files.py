r"""Qmail-Scanner's rule files, read as they are: quarantine-attachments.txt, quarantine-events.txt.

Three columns with TABs between them, comments begin with `#`:

    eicar.com<TAB>69<TAB>description             this name with this size; 0 and -1: any size
    .pif<TAB>SIZE=-1<TAB>description             any name with this extension; the size is ignored
    regex<TAB>Virus-Subject:<TAB>description     a header field whose whole value matches

Names are compared without case, patterns with it; they are Perl's (`perl_patterns`). A field may
be one of the virtual ones of 2.x. `Virus-` makes the finding a virus, `Policy-` does not.
Source: facts 3.6.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailwarden.message.encoded_words import decode_text
from mailwarden.settings.perl_patterns import PerlPatternError, translated
from mailwarden.verdict.conditions import (
    ClientMatches,
    CryptoMatches,
    Encrypted,
    Extension,
    FileCondition,
    HeaderField,
    MessageCondition,
    Named,
    NameMatches,
    Pattern,
    Recipient,
    Sender,
    Size,
    WithoutCrypto,
)
from mailwarden.verdict.default_rules import odd_name
from mailwarden.verdict.file_names import NameForm
from mailwarden.verdict.report import Kind
from mailwarden.verdict.rules import Action, Rule, compile_pattern

# The largest files known have some hundred lines; this is as much as settings may be.
RULE_FILE_BYTES = 2_000_000
# A pattern is tried for every file of a message, of which there may be 10,000.
MOST_RULES = 1_000

_COLUMNS = 3
_EXTENSION = re.compile(r"\.([a-z0-9_~-]{1,24})")
_SIZE = re.compile(r"(?:SIZE=)?(-1|\d{1,12})", re.IGNORECASE)
# What a field's name may hold: RFC 5322 section 3.6.8.
_FIELD = re.compile(r"(virus|policy)-([!-9;-~]+):", re.IGNORECASE)
_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")
_SLUG_CHARACTERS = 40
_WILDCARDS = frozenset("*?")
# What a virtual header may have held where it only said yes.
_YES = ("1", "yes", "true")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that is no rule; `line` counts from 1, 0 is the file as a whole."""

    line: int
    message: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file by its path, with what was read from it."""

    path: Path
    rules: tuple[Rule, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


class _MistakeError(Exception):
    """A line that is no rule: what is wrong, and what to do."""

    def __init__(self, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def read_rule_file(path: Path) -> RuleFile:
    """Read a rule file; raises `OSError` when it cannot be read."""
    with path.open("rb") as file:
        octets = file.read(RULE_FILE_BYTES + 1)
    if len(octets) > RULE_FILE_BYTES:
        large = Mistake(0, f"larger than {RULE_FILE_BYTES:_} bytes", "is this a rule file?")
        return RuleFile(path, mistakes=(large,))
    rules, mistakes = parse_rules(octets)
    return RuleFile(path, rules, mistakes)


def parse_rules(octets: bytes) -> tuple[tuple[Rule, ...], tuple[Mistake, ...]]:
    """Read all rules, and say which lines are none; the text is UTF-8 or, line by line, Latin-1."""
    rules: list[Rule] = []
    mistakes: list[Mistake] = []
    for number, text in _lines(octets):
        if len(rules) >= MOST_RULES:
            mistakes.append(
                Mistake(number, f"more than {MOST_RULES:_} rules", "take out what nobody sends")
            )
            break
        try:
            rules.append(_rule(text, number))
        except _MistakeError as mistake:
            mistakes.append(Mistake(number, mistake.message, mistake.suggestion))
    return tuple(rules), tuple(mistakes)


def _lines(octets: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(octets.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = decode_text(line, "").strip()
        if text and not text.startswith("#"):
            yield number, text


def _rule(text: str, line: int) -> Rule:
    columns = [column.strip() for column in re.split(r"\t+", text, maxsplit=_COLUMNS - 1)]
    if len(columns) < _COLUMNS:
        raise _MistakeError(
            "expected three columns: what is looked for, its size or Virus-Header:, a description",
            "put a TAB between two columns; blanks do not separate them",
        )
    wanted, second, description = columns
    if size := _SIZE.fullmatch(second):
        return _name_rule(wanted, int(size[1]), description, line)
    if field := _FIELD.fullmatch(second):
        return _field_rule(wanted, field, description, line)
    raise _MistakeError(
        "expected a size or a header in the second column",
        "write a number of bytes, SIZE=-1 for any size, or Virus-Subject: or the like",
    )


def _name_rule(name: str, size_bytes: int, description: str, line: int) -> Rule:
    if not _WILDCARDS.isdisjoint(name):
        raise _MistakeError(
            "wildcards are not known in names",
            "write .ext for every name with that extension; [[attachments.rules]] knows more",
        )
    if extension := _EXTENSION.fullmatch(name.lower()):
        slug = f"extension-{extension[1]}"
        condition = Extension(frozenset({extension[1]}))
        return Rule(Action.DENY, slug, description, (condition,))
    named = Named(frozenset({name.lower()}))
    sizes = (Size(size_bytes, size_bytes),) if size_bytes > 0 else ()
    return Rule(Action.DENY, _slug(description, line), description, (named, *sizes))


def _field_rule(pattern: str, field: re.Match[str], description: str, line: int) -> Rule:
    of_file, of_message = _conditions(field[2].lower(), _pattern(pattern))
    kind = Kind.VIRUS if field[1].lower() == "virus" else Kind.POLICY
    return Rule(Action.DENY, _slug(description, line), description, of_file, of_message, kind)


def _pattern(text: str) -> Pattern:
    try:
        return compile_pattern(translated(text), ignore_case=False)
    except PerlPatternError as error:
        raise _MistakeError(f"not read here: {error}", error.advice) from error
    except ValueError as error:
        raise _MistakeError(str(error), "correct the pattern in the first column") from error


_Conditions = tuple[tuple[FileCondition, ...], tuple[MessageCondition, ...]]


def _conditions(field: str, pattern: Pattern) -> _Conditions:
    """What a field of the message, real or virtual, must say."""
    if field in _OF_FILE:
        says_yes = any(pattern.fullmatch(word) for word in _YES)
        return (_OF_FILE[field], *(() if says_yes else (NameMatches(pattern),))), ()
    if field in _OF_MESSAGE:
        return (), _OF_MESSAGE[field](pattern)
    return (), (HeaderField(field, pattern),)


def _sensitive_without_crypto(pattern: Pattern) -> tuple[MessageCondition, ...]:
    says_yes = any(pattern.fullmatch(word) for word in _YES)
    wanted = re.compile(".*", re.DOTALL) if says_yes else pattern
    return HeaderField("sensitivity", wanted), WithoutCrypto()


# The virtual headers of 2.x. What they held is not known for all: those about files hold for the
# file's name, and for a pattern that matches "1", "yes" or "true" for every such file.
_OF_FILE: Mapping[str, FileCondition] = {
    "zippasswordprotected": Encrypted(is_encrypted=True, format="zip"),
    "filelengthtoolong": odd_name(NameForm.TOO_LONG),
    "filedoublebarreled": odd_name(NameForm.DOUBLE_EXTENSION),
    "fileclsid": odd_name(NameForm.CLASS_ID),
}
_OF_MESSAGE: Mapping[str, Callable[[Pattern], tuple[MessageCondition, ...]]] = {
    "mailfrom": lambda pattern: (Sender(pattern),),
    "rcptto": lambda pattern: (Recipient(pattern),),
    "remoteipaddr": lambda pattern: (ClientMatches(pattern),),
    "cryptodetails": lambda pattern: (CryptoMatches(pattern),),
    "issensitiveandnocrypto": _sensitive_without_crypto,
}


def _slug(description: str, line: int) -> str:
    """What findings of the rule are called; the same as long as its description is."""
    slug = _NOT_IN_A_SLUG.sub("-", description.lower())[:_SLUG_CHARACTERS].strip("-")
    return slug or f"rule-{line}"
