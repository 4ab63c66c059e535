"""Decisions together: what is written is a settings file."""

from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.migrate.decisions import Decision, Note
from mailwarden.migrate.joining import Joined, joined
from mailwarden.migrate.writing import settings_page
from mailwarden.settings.catalogue import entries
from mailwarden.settings.load import read_text

ON, OFF = True, False


def decision(key: str, value: object, source: str = "it", *match: str) -> Decision:
    return Decision(key, value, "why", source, match)


def kept(done: Joined) -> dict[str, object]:
    return {one.key: one.value for one in done.decisions}


def test_what_stands_together_is_kept() -> None:
    decisions = (
        decision("spam.quarantine_above", Decimal("2.1")),
        decision("spam.delete_above", Decimal("4.2")),
        decision("scanners", (), "it", "a.example"),
    )
    assert joined((*decisions, Note("n", "w"))) == Joined(decisions, ())


def test_the_first_of_two_for_one_setting_holds_and_the_other_is_lost() -> None:
    done = joined([decision("spam.report", ON, "a"), decision("spam.report", OFF, "b")])
    assert kept(done) == {"spam.report": True}
    assert [(one.source, one.why) for one in done.losses] == [
        ("b", "spam.report is said otherwise, which holds: a")
    ]
    same = joined([decision("spam.report", ON, "a"), decision("spam.report", ON, "b")])
    assert same.losses == ()


def test_a_value_that_no_setting_takes_is_lost_with_what_was_expected() -> None:
    done = joined([decision("headers.prefix", "Own", "--dscr-hdrs-text Own")])
    assert done.decisions == ()
    (lost,) = done.losses
    assert lost.source == "--dscr-hdrs-text Own"
    assert lost.why.startswith("headers.prefix: expected a field name's beginning, as X-Example")


def test_contradictions_give_way_until_the_rest_stands() -> None:
    done = joined(
        [
            decision("spam.quarantine_above", Decimal(5)),
            decision("spam.delete_above", Decimal(3), "--sa-delete 3"),
            decision("spam.reject", ON, "--sa-reject yes"),
            decision("spam.delta", Decimal(1), "--sa-delta 1"),
        ]
    )
    assert kept(done) == {"spam.quarantine_above": Decimal(5)}
    assert {one.source for one in done.losses} == {
        "--sa-delete 3",
        "--sa-reject yes",
        "--sa-delta 1",
    }


def test_a_contradiction_of_a_profile_costs_the_profiles_setting() -> None:
    done = joined(
        [
            decision("spam.quarantine_above", Decimal(5)),
            decision("spam.delete_above", Decimal(3), "line 2", "a.example"),
        ]
    )
    assert kept(done) == {"spam.quarantine_above": Decimal(5)}
    assert [one.source for one in done.losses] == ["line 2"]


def test_recipients_that_there_cannot_be_are_taken_out_one_by_one() -> None:
    done = joined([decision("scanners", (), "list", "a.example", "b c", "", "d.example")])
    assert [one.match for one in done.decisions] == [("a.example", "d.example")]
    assert [one.why for one in done.losses] == [
        "b c: no address and no domain",
        ": no address and no domain",
    ]


def test_a_recipient_has_one_profile_only() -> None:
    done = joined(
        [
            decision("scanners", (), "first", "a.example"),
            decision("spam.report", ON, "first", "a.example"),
            decision("scanners", ("clamd",), "second", "a.example", "b.example"),
        ]
    )
    assert [one.match for one in done.decisions] == [("a.example",), ("a.example",), ("b.example",)]
    assert [one.source for one in done.losses] == ["second"]


def test_mistakes_in_rule_files_are_told_and_the_file_stays_named(tmp_path: Path) -> None:
    path = tmp_path / "quarantine-attachments.txt"
    path.write_text("no columns\n" * 9)  # in the lines of the page, too
    named = decision("attachments.rules_files", (str(path),))
    done = joined([named])
    assert done.decisions == (named,)
    assert [one.source for one in done.losses] == [f"{path}:{line}" for line in range(1, 10)]


KEYS = [entry.key for entry in entries() if entry.key != "profile"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KEYS),
            st.one_of(
                st.booleans(),
                st.integers(-1, 10**9),
                st.text(max_size=5).filter(lambda text: text.isascii()),
                st.decimals(0, 20, places=1),
                st.tuples(st.text("ab.", max_size=3)),
            ),
            st.sampled_from(["", "a.example", "user@b.example"]),
        ),
        max_size=12,
    )
)
def test_whatever_was_decided_what_is_written_is_a_settings_file(
    given_ones: list[tuple[str, object, str]],
) -> None:
    done = joined(decision(key, value, key, *([to] if to else [])) for key, value, to in given_ones)
    read_text(settings_page(done.decisions, []).text, "page")
