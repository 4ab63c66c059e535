"""Perl's patterns: what is translated means the same, what cannot be is an error."""

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.settings.perl_patterns import PerlPatternError, translated
from mailwarden.verdict.rules import PATTERN_CHARACTERS, compile_pattern

# Pattern, values that it matches as a whole in Perl 5.36, values that it does not.
CASES: list[tuple[str, list[str], list[str]]] = [
    (r"foo\z", ["foo"], ["FOO"]),
    (r"foo(?i)bar", ["foobar", "fooBAR"], ["FOObar"]),
    (r"foo(?i)bar|baz", ["fooBAR", "BAZ"], ["FOObar", "fooBaz"]),
    (r"(a(?i)b|c)d", ["abd", "aBd", "Cd"], ["ABD", "aCd", "abD"]),
    (r"(?i)a(?-i)b", ["ab", "Ab"], ["AB"]),
    (r"((?i)a)b", ["Ab"], ["AB"]),
    (r"(?i:A)b", ["ab"], ["aB"]),
    (r"[[:alpha:]_]+", ["a_b"], ["1"]),
    (r"[[:^digit:]]+", ["a b"], ["a1"]),
    (r"[[:punct:]]+", [r"!#[]`\^_{-"], ["a"]),
    (r"\h+x", ["\t x"], ["\nx"]),
    (r"[\h.]+", [" ."], ["a"]),
    (r"(?<n>a)b", ["ab"], ["a"]),
    (r"a++b", ["aab"], ["b"]),
    (r"(?>a+)b", ["aab"], ["b"]),
    (r"(?=a)a.*", ["ab"], ["b"]),
    (r"[]a]+", ["]a]"], ["b"]),
    (r"[^]a]+", ["xyz"], ["]"]),
    (r"a(?#comment)b", ["ab"], ["acommentb"]),
    (r"\x{61}\x62", ["ab"], ["b"]),
    (r"[\x{61}-c]+", ["abc"], ["d"]),
    (r"[[a]+", ["[a["], ["b"]),
    (r"[&~|]+", ["&~|"], ["a"]),
    (r"a{b", ["a{b"], ["ab"]),
    (r"(a)\1", ["aa"], ["a"]),
    (r"\$x\@\.", ["$x@."], ["x@."]),
    (r"^message/partial.*$", ["message/partial; x"], ["message/rfc822"]),
    (r"\é", ["é"], ["e"]),
]


@pytest.mark.parametrize(("pattern", "matching", "others"), CASES, ids=[c[0] for c in CASES])
def test_a_translated_pattern_means_what_it_meant(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    compiled = re.compile(translated(pattern), re.DOTALL)
    assert [value for value in matching if not compiled.fullmatch(value)] == []
    assert [value for value in others if compiled.fullmatch(value)] == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"\p{Lu}", r"\p, which only Perl knows"),
        (r"\Qa.b\E", r"\Q, which only Perl knows"),
        (r"a\Kb", r"\K, which only Perl knows"),
        (r"[\R]", r"\R in a set, which only Perl knows"),
        (r"[[:^alpha:]]", "a class in a set that is not known"),
        (r"[[:nonsense:]]", "a class in a set that is not known"),
        (r"(?x) a b", "a flag other than i, m and s"),
        (r"(?|a|b)", "a group of a kind that only Perl knows"),
        (r"(?{ die })", "a group of a kind that only Perl knows"),
        (r"(?R)", "a group of a kind that only Perl knows"),
        (r"(*FAIL)", "a group of a kind that only Perl knows"),
        (r"(?=a)a++", "possessive or atomic groups together with look-ahead or look-behind"),
        (r"\x{110000}", "a character beyond Unicode"),
        ("a" * (PATTERN_CHARACTERS + 1), "a pattern may have at most 1_000 characters"),
    ],
)
def test_what_python_cannot_say_is_an_error_with_advice(pattern: str, message: str) -> None:
    with pytest.raises(PerlPatternError) as refused:
        translated(pattern)
    assert str(refused.value) == message
    assert refused.value.advice


_TOKENS = r"a b ( ) (?i) (?-i) (?i: | * + ? {2} [ ] [^ [:alpha:] [:^digit:] \ \z \h \d \x{61} . ^ $"
_TEXTS = st.lists(st.sampled_from([*_TOKENS.split(), "(?<n>", "(?=", "(?>", "(?#", "-"])).map(
    "".join
)


@given(pattern=_TEXTS | st.text(max_size=50))
def test_any_text_becomes_a_pattern_or_an_error_and_warns_of_nothing(pattern: str) -> None:
    try:
        outcome = compile_pattern(translated(pattern), ignore_case=False)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert re.compile(outcome.pattern, outcome.flags) == outcome


@pytest.mark.parametrize(
    "pattern", ["a|b(c)[d]", "(?:a(?:b(?:c)))", "[^\\]x-]", r"\.exe\b", "a{1,3}"]
)
def test_what_both_languages_know_is_left_alone(pattern: str) -> None:
    assert translated(pattern) == pattern
