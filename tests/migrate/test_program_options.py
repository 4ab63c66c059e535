"""Variables as options, and what is told of the others."""

from mailwarden.migrate.decisions import Loss, Note
from mailwarden.migrate.given import Given, Origin
from mailwarden.migrate.program_options import program_givens
from support.old_installations import program


def read(*assignments: str) -> list[object]:
    return list(program_givens(program(assignments).decode(), "q.pl"))


def test_a_variable_is_an_option_with_its_place() -> None:
    assert read("my $smaildir='spam dir';") == [
        Given("spamdir", "spam dir", "$smaildir in q.pl:4, 'spam dir'", Origin.PROGRAM)
    ]


def test_a_list_is_an_option_with_commas() -> None:
    (given,) = read("@silent_viruses_array=('klez','spam');")
    assert isinstance(given, Given)
    assert (given.option, given.items) == ("silent-viruses", ("klez", "spam"))


def test_what_is_computed_of_an_option_is_lost_by_name() -> None:
    assert read("$sa_delete=2*2;") == [
        Loss("$sa_delete in q.pl:4", "what it holds is computed there: set it by hand")
    ]
    (lost,) = read("push @silent_viruses_array, 'x';")
    assert isinstance(lost, Loss)


def test_a_variable_that_is_not_known_is_lost_with_what_it_says() -> None:
    assert read("$frobnication='high';", "@frobs=('a','b');") == [
        Loss("$frobnication in q.pl:4, high", "a variable that is not known"),
        Loss("@frobs in q.pl:5, a,b", "a variable that is not known"),
    ]


def test_variables_that_are_nobodys_setting_are_named_together() -> None:
    assert read(
        "$start=time;",
        "$unzip_binary='/usr/bin/unzip';",
        "$VERSION='1.24';",
        "my $found='';",
        "@f=();",
    ) == [
        Note(
            "q.pl",
            "variables of its own, with no setting here: $start $unzip_binary $VERSION $found @f",
        )
    ]


def test_of_very_many_such_variables_the_rest_is_counted() -> None:
    (note,) = read(*(f"$v{number}=time;" for number in range(100)))
    assert isinstance(note, Note)
    assert note.why.endswith("$v59 and 40 more")


def test_the_last_assignment_holds_and_an_empty_one_is_only_a_beginning() -> None:
    told = read("@scanner_array=();", "@scanners_default=('sophie');", "@scanner_array=();")
    assert [one.text for one in told if isinstance(one, Given)] == ["", "sophie"]
    told = read("$sa_delta=1;", "$sa_delta=2;")
    assert [one.text for one in told if isinstance(one, Given)] == ["1", "2"]
    assert [one.source for one in told if isinstance(one, Note)] == ["$sa_delta in q.pl:5, 2"]
