"""The relative thresholds of the original's page, at every border."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import SpamScore
from mailwarden.verdict.thresholds import Level, SpamPolicy, is_spam, judge_score, level_of

ACCEPT, TAG, QUARANTINE = Disposition.ACCEPT, Disposition.TAG, Disposition.QUARANTINE
REJECT, DELETE = Disposition.REJECT, Disposition.DELETE

# The page: "required-hits of spamassassin to 6.5, sa-quarantine to 2.1 and sa-delete to 4.2";
# its example of an installation adds sa-delta 0.5.
PAGE = SpamPolicy(Decimal("2.1"), Decimal("4.2"), Decimal("0.5"))
PAGE_REJECTING = SpamPolicy(Decimal("2.1"), Decimal("4.2"), Decimal("0.5"), reject=True)

POINTS = st.decimals(-1000, 1000, places=1)
MARGINS = st.decimals(0, 50, places=1)


def score_of(score: str, required: str = "6.5") -> SpamScore:
    return SpamScore("spamd", Decimal(score), Decimal(required))


def judged(score: SpamScore, policy: SpamPolicy) -> Disposition:
    return judge_score(score, policy, may_reject=True)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("-100", ACCEPT),
        ("6.4", ACCEPT),
        ("6.5", TAG),
        ("8.6", TAG),
        ("8.7", QUARANTINE),
        ("10.7", QUARANTINE),
        ("10.8", DELETE),
        ("1000", DELETE),
        ("8.60", TAG),
        ("8.601", QUARANTINE),
    ],
)
def test_the_example_of_the_page_holds_at_its_borders(score: str, expected: Disposition) -> None:
    assert judged(score_of(score), PAGE) is expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("4.9", ACCEPT),
        ("5.0", TAG),
        ("7.1", TAG),
        ("7.2", QUARANTINE),
        ("9.2", QUARANTINE),
        ("9.3", DELETE),
    ],
)
def test_a_users_own_required_score_shifts_every_limit(score: str, expected: Disposition) -> None:
    assert judged(score_of(score, required="5.0"), PAGE) is expected


@given(POINTS, POINTS, POINTS, MARGINS, MARGINS)
def test_only_the_distance_to_the_required_score_counts(
    score: Decimal, required: Decimal, shift: Decimal, q: Decimal, x: Decimal
) -> None:
    policy = SpamPolicy(q, x, q / 3)
    here = SpamScore("spamd", score, required)
    there = SpamScore("spamd", score + shift, required + shift)
    assert judged(here, policy) is judged(there, policy)
    assert level_of(here, policy.delta) is level_of(there, policy.delta)


@given(POINTS, MARGINS, MARGINS, MARGINS, st.booleans())
def test_more_points_never_ask_for_something_milder(
    score: Decimal, more: Decimal, q: Decimal, x: Decimal, reject: bool
) -> None:
    policy = SpamPolicy(q, q + x if x else x, reject=reject)
    fewer, many = score_of(str(score)), score_of(str(score + more))
    assert judged(fewer, policy) <= judged(many, policy)


def test_rejecting_stands_in_for_deleting_only_above_the_limit_for_deletion() -> None:
    assert judged(score_of("10.7"), PAGE_REJECTING) is QUARANTINE
    assert judged(score_of("10.8"), PAGE_REJECTING) is REJECT


def test_where_nobody_may_be_rejected_spam_is_deleted() -> None:
    assert judge_score(score_of("10.8"), PAGE_REJECTING, may_reject=False) is DELETE


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (SpamPolicy(), TAG),
        (SpamPolicy(quarantine_above=Decimal("2.1")), QUARANTINE),
        (SpamPolicy(delete_above=Decimal("4.2")), DELETE),
        (SpamPolicy(reject=True), TAG),
    ],
)
def test_a_limit_of_zero_is_off(policy: SpamPolicy, expected: Disposition) -> None:
    assert judged(score_of("1000"), policy) is expected


def test_without_quarantine_what_is_below_deletion_is_tagged() -> None:
    policy = SpamPolicy(delete_above=Decimal("4.2"))
    assert judged(score_of("10.7"), policy) is TAG


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("6.4", None),
        ("6.5", Level.LOW),
        ("6.9", Level.LOW),
        ("7.0", Level.MEDIUM),
        ("7.4", Level.MEDIUM),
        ("7.5", Level.HIGH),
        ("100", Level.HIGH),
    ],
)
def test_low_medium_and_high_begin_where_the_page_says(score: str, expected: Level | None) -> None:
    assert level_of(score_of(score), PAGE.delta) is expected


def test_without_a_delta_there_is_no_level() -> None:
    assert level_of(score_of("100"), Decimal(0)) is None


@pytest.mark.parametrize(("required", "spam"), [("0", True), ("-1", True), ("0.1", False)])
def test_a_required_score_of_zero_or_less_is_taken_at_its_word(required: str, spam: bool) -> None:
    assert is_spam(score_of("0", required)) is spam
