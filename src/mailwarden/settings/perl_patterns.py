r"""Perl's regular expressions as Python's `re` understands them.

Qmail-Scanner's rule files hold Perl patterns. What both languages know is left as it is; what
Python writes in another way is translated (`\z`, `(?i)` in the middle, `[[:alpha:]]`, `\h`,
`(?<name>..)`); what it cannot say is an error, never a guess. Source: perlre(1).
"""

import re
from collections.abc import Callable, Mapping

from mailwarden.verdict.rules import PATTERN_CHARACTERS

# In the order of trying; a token is never tried again as another one, so time is linear.
_TOKEN = re.compile(
    r"\\x\{(?P<code>[0-9A-Fa-f]{1,6})\}"
    r"|\\(?P<escape>.)"
    r"|(?P<set>\[\^?\]?(?:\[:\^?[a-z]{1,10}:\]|\\.|[^\]\\])*\])"
    r"|\(\?(?P<flags>[a-z]{0,8}(?:-[a-z]{1,8})?)(?P<flags_end>[:)])"
    r"|\(\?<(?P<name>[A-Za-z_][A-Za-z0-9_]{0,40})>"
    r"|(?P<look>\(\?<?[=!])"
    r"|(?P<comment>\(\?\#[^)]*\))"
    r"|(?P<atomic>\(\?>)"
    r"|(?P<strange>\(\?|\(\*)"
    r"|(?P<possessive>(?:[*+?]|\{\d*,?\d*\})\+)"
    r"|(?P<plain>.)",
    re.DOTALL,
)
_IN_SET = re.compile(
    r"\[:(?P<class>\^?[a-z]+):\]|\\x\{(?P<code>[0-9A-Fa-f]{1,6})\}|\\.|.", re.DOTALL
)

_CLASSES: Mapping[str, str] = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
    "^digit": r"\D",
    "^space": r"\S",
    "^word": r"\W",
}
_ESCAPES: Mapping[str, str] = {
    "z": r"\Z",
    "e": r"\x1b",
    "h": r"[ \t]",
    "H": r"[^ \t]",
    "v": r"[\n\x0b\f\r]",
    "V": r"[^\n\x0b\f\r]",
    "R": r"(?:\r\n|[\n\x0b\f\r])",
    "N": r"[^\n]",
}
_ESCAPES_IN_SET: Mapping[str, str] = {"e": r"\x1b", "h": r" \t", "v": r"\n\x0b\f\r"}
# Letters whose escapes mean the same in both, and the digits of back references.
_SAME_ESCAPES = frozenset("AbBdDsSwWnrtfaxZ0123456789")
_SAME_ESCAPES_IN_SET = _SAME_ESCAPES - frozenset("ABZ")
_FLAGS = re.compile(r"[ims]*(?:-[ims]+)?")
# Python warns of these in sets, where they may mean an operation one day.
_ESCAPED_IN_SET = frozenset("[&~|")


class PerlPatternError(ValueError):
    """A pattern that cannot be said in Python; `advice` says what to write instead."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


def translated(pattern: str) -> str:
    """Write a Perl pattern as a Python one; raises `PerlPatternError`.

    The result may still be no pattern at all: `compile_pattern` says so.
    """
    if len(pattern) > PATTERN_CHARACTERS:
        raise PerlPatternError(
            f"a pattern may have at most {PATTERN_CHARACTERS:_} characters",
            "write several rules, each with a part of it",
        )
    return _Translation().of(pattern)


class _Translation:
    """One pattern: `(?i)` counts to the end of its group, so open groups are remembered."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self._open: list[list[str]] = [[]]  # for each open group, the flags set inside it so far
        self._has_look = False
        self._is_greedy_only = False

    def of(self, pattern: str) -> str:
        for match in _TOKEN.finditer(pattern):
            self._take(match)
        if self._has_look and self._is_greedy_only:
            # CPython issue 100061: before 3.11.5 the two together match wrongly.
            raise PerlPatternError(
                "possessive or atomic groups together with look-ahead or look-behind",
                'take the "+" behind *, + or ? away, and write (?: in place of (?>',
            )
        return "".join((*self._written, ")" * len(self._open[-1])))

    def _take(self, match: re.Match[str]) -> None:
        kind, text = str(match.lastgroup), match[0]
        if kind in _REWRITTEN:
            self._written.append(_REWRITTEN[kind](match[kind]))
            return
        self._has_look = self._has_look or kind == "look"
        self._is_greedy_only = self._is_greedy_only or kind in {"atomic", "possessive"}
        match kind:
            case "flags_end":
                self._take_flags(match["flags"], is_group=match["flags_end"] == ":")
            case "name":
                self._begin(f"(?P<{match['name']}>")
            case "look" | "atomic":
                self._begin(text)
            case "strange":
                raise PerlPatternError(
                    "a group of a kind that only Perl knows", "write it with plain ( ) groups"
                )
            case _:
                self._take_plain(text)

    def _take_plain(self, text: str) -> None:
        match text:
            case "(":
                self._begin("(")
            case ")":
                self._end()
            case "|":
                flags = self._open[-1]
                self._written.extend((")" * len(flags), "|", *flags))
            case _:  # or a quantifier
                self._written.append(text)

    def _begin(self, opening: str) -> None:
        self._open.append([])
        self._written.append(opening)

    def _end(self) -> None:
        """A group that was never opened is left for `re` to complain about."""
        flags = self._open.pop() if len(self._open) > 1 else []
        self._written.append(")" * (len(flags) + 1))

    def _take_flags(self, flags: str, *, is_group: bool) -> None:
        if not _FLAGS.fullmatch(flags):
            raise PerlPatternError(
                "a flag other than i, m and s", "leave the flag out, and x's blanks and comments"
            )
        opening = f"(?{flags}:"
        if is_group:
            self._begin(opening)
        elif flags:
            self._open[-1].append(opening)
            self._written.append(opening)


def _escape(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if _is_special(letter) and letter not in _SAME_ESCAPES:
        raise PerlPatternError(rf"\{letter}, which only Perl knows", "write it as a set: [...]")
    return rf"\{letter}"


def _is_special(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def _character(code: str) -> str:
    number = int(code, 16)
    if number > 0x10FFFF:
        raise PerlPatternError("a character beyond Unicode", r"write \x{10FFFF} or less")
    return rf"\U{number:08x}"


def _set(text: str) -> str:
    """The first `]` of a set, and the `^` before it, are not its end."""
    start = 2 if text.startswith("[^") else 1
    inside = text[start:-1]
    return f"{text[:start]}{''.join(map(_member, _IN_SET.finditer(inside)))}]"


def _member(match: re.Match[str]) -> str:
    text = match[0]
    if match["class"]:
        if match["class"] not in _CLASSES:
            raise PerlPatternError("a class in a set that is not known", "write its characters")
        return _CLASSES[match["class"]]
    if match["code"]:
        return _character(match["code"])
    if len(text) == 1:
        return f"\\{text}" if text in _ESCAPED_IN_SET else text
    letter = text[1]
    if letter in _ESCAPES_IN_SET:
        return _ESCAPES_IN_SET[letter]
    if _is_special(letter) and letter not in _SAME_ESCAPES_IN_SET:
        raise PerlPatternError(
            rf"\{letter} in a set, which only Perl knows", "write its characters"
        )
    return text


# What is written in another way whatever stands around it.
_REWRITTEN: Mapping[str, Callable[[str], str]] = {
    "code": _character,
    "escape": _escape,
    "set": _set,
    "comment": lambda _text: "",
}
