"""The variables of an installed program."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.migrate.perl_program import Value, read_variables, recorded_line


def values(text: str) -> dict[str, Value]:
    return {f"{one.sigil}{one.name}": one.value for one in read_variables(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('my $smaildir="spamdir";', {"$smaildir": "spamdir"}),
        ("$sa_quarantine='2.1';", {"$sa_quarantine": "2.1"}),
        ("our  $sa_delete = 4.2 ;", {"$sa_delete": "4.2"}),
        ("$max_zip_size=1_000_000;", {"$max_zip_size": "1000000"}),
        ("my $x=-1;", {"$x": "-1"}),
        ("@a=('klez', \"yaha\",);", {"@a": ("klez", "yaha")}),
        ("@a=qw(klez\n yaha);", {"@a": ("klez", "yaha")}),
        ("@a=('x', # old, 'y',\n qw/z w/);", {"@a": ("x", "z", "w")}),
        ("@a=();", {"@a": ()}),
        ("@a=('x'); @b=(@a,'y');", {"@a": ("x",), "@b": ("x", "y")}),
        ('my $v="vir"; my $s="$v";', {"$v": "vir", "$s": "vir"}),
        ('$v="a"; $s="${v}b\\$v\\@c\\n";', {"$v": "a", "$s": "ab$v@c\n"}),
        ("$v='a'; $s='$v\\'\\\\\\n';", {"$v": "a", "$s": "$v'\\\\n"}),
        ("$v='a'; $s=$v.'@' . \"b\";", {"$v": "a", "$s": "a@b"}),
        ("$s=q(it's); $t=qq{$s!};", {"$s": "it's", "$t": "it's!"}),
        ("$a='x; $b=1';", {"$a": "x; $b=1"}),
        ("$a=1; # was 2; $a=3", {"$a": "1"}),
        ("# $a=1;\n$b=2;", {"$b": "2"}),
        ("=pod\n$a=1;\n=cut\n$b=2;", {"$b": "2"}),
        ("if ($a == 1) { $b=2; }", {"$b": "2"}),
        ("$a=1;\nsub f {\n$a=2;\n$b=3; }", {"$a": "1"}),
        ("$a=1;\n__END__\n$b=3;", {"$a": "1"}),
    ],
)
def test_what_is_written_down_is_read(text: str, expected: dict[str, Value]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "$x=time;",
        "$x=`hostname`;",
        "$x=1000*1000;",
        "$x='a' || 'b';",
        '$x="$unknown";',
        "$x=$unknown;",
        "$x=$y=1;",
        "$x=(1,2);",
        "$x='open",
        "@x=split(/,/, 'a,b');",
        "@x=('a' 'b');",
        "@x=(@unknown);",
        "push @x, 'a';",
        "push(@x,'a');",
        "%x=(a=>1);",
    ],
)
def test_what_would_be_computed_is_named_and_left_alone(text: str) -> None:
    assert {name[1:]: value for name, value in values(text).items() if name[1:] == "x"} == {
        "x": None
    }


def test_a_scalar_that_became_unknown_is_not_taken_for_what_it_was() -> None:
    assert values("$a='1'; $a=time; $b=$a;") == {"$a": None, "$b": None}


def test_each_assignment_has_its_line() -> None:
    text = "# one\n$a=1;\n@b=('x',\n 'y');\n$c=2; $d=3;\n"
    assert [(one.name, one.line) for one in read_variables(text)] == [
        ("a", 2),
        ("b", 3),
        ("c", 5),
        ("d", 5),
    ]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# made by: ./configure --sa-alt yes\n", "--sa-alt yes"),
        (
            "# ./configure --sa-alt yes \\\n#   --sa-delta 0.5\n# By Jason\n",
            "--sa-alt yes \\\n   --sa-delta 0.5",
        ),
        ("# ./configure\n#  --sa-alt yes\n#  --batch\n#\n", "--sa-alt yes\n  --batch"),
        ("# see configure\n# nothing\n# ./configure --batch\n", "--batch"),
        ("# nothing here\n", ""),
        ("sub f {\n# ./configure --batch\n}", ""),
    ],
)
def test_the_recorded_options_are_found_in_the_first_comments(comment: str, expected: str) -> None:
    assert recorded_line(f"#!/usr/bin/perl\n{comment}") == expected


@pytest.mark.parametrize(
    "text",
    [
        "$a='" + "\\'" * 30_000,
        "$a" + " \n" * 30_000,
        ";" * 60_000,
        "{ " * 30_000,
        "$a=(" * 15_000,
        "@a=(" * 15_000,
        "$a=" + "'x'." * 30_000,
        "@a=(" + "\n#x" * 15_000,
        "# configure\n" * 15_000,
        "# configure \\\n" * 150_000,
        "=a\n" * 15_000,
        "$a='x';" + '$a="$a$a";' * 30_000,
        "@a=('x','y');" + "@a=(@a,@a);" * 15_000,
    ],
)
def test_time_is_linear(text: str) -> None:
    started = time.monotonic()
    read_variables(text)
    recorded_line(text)
    assert time.monotonic() - started < 5


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="$@%abq=;,()'\"\\. \n#{}[]w0-"))
def test_any_text_gives_variables(text: str) -> None:
    for one in read_variables(text):
        assert one.line <= text.count("\n") + 1
    recorded_line(text)
