"""The report as a page."""

import re

import msgspec

from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.page import report_page
from mailwarden.reports.sources import SourceSummary
from mailwarden.verdict.disposition import Disposition
from support.old_logs import AT
from support.report_documents import a_day, document

HOUR, DAY = 3_600.0, 86_400.0


def columns(page: str, title: str) -> list[str]:
    """The titles of a chart's columns."""
    section = page.partition(f"<h2>{title}</h2>")[2].partition("</section>")[0]
    return re.findall(r'class="column" title="([^"]*)"', section)


def every(step: float, times: int) -> list[Event]:
    return [Event(disposition=Disposition.ACCEPT, at=AT + step * n) for n in range(times)]


def test_values_from_mail_are_text_and_nothing_is_loaded_or_run() -> None:
    page = report_page(document(*a_day()))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<script|<link|<img|<iframe|url\(|https?://|\bon\w+=|@import", page)
    assert "default-src 'none'" in page


def test_quotes_in_a_name_cannot_leave_an_attribute() -> None:
    hostile = Event(disposition=Disposition.REJECT, kind=EventKind.VIRUS, name='" onload="x', at=AT)
    assert 'onload="x' not in report_page(document(hostile))


def test_the_page_says_whose_it_is_and_what_was_counted() -> None:
    page = report_page(document(*a_day(), sources=(SourceSummary("a.log", complaint="damaged"),)))
    for words in (
        "mx.example.org",
        "2026-11-22 21:30",
        "W32/X",
        "rejecting",
        "clamd",
        "b@y.example",
    ):
        assert words in page
    assert "a.log: damaged" in page


def test_a_report_of_nothing_is_a_page_too() -> None:
    page = report_page(document())
    assert "no dates" in page
    assert 'class="chart"' not in page


def test_days_are_columns_and_each_says_what_it_shows() -> None:
    virus = Event(disposition=Disposition.REJECT, kind=EventKind.VIRUS, name="x", at=AT)
    page = report_page(document(virus, *every(DAY, 10)))
    assert columns(page, "Messages")[:2] == ["22 Nov: 1 passed, 1 blocked", "23 Nov: 1 passed"]
    assert 'class="blocked" style="height:50.0%"' in page


def test_a_few_days_are_shown_by_the_hour_and_years_by_the_month() -> None:
    assert (
        columns(report_page(document(*every(HOUR, 30))), "Messages")[1] == "22 Nov 22:00: 1 passed"
    )
    months = columns(report_page(document(*every(DAY, 400))), "Messages")
    assert months[:2] == ["Nov 2026: 9 passed", "Dec 2026: 31 passed"]
    assert len(columns(report_page(document(*every(20 * DAY, 1_500))), "Messages")) <= 62


def test_the_hours_of_all_days_are_joined() -> None:
    hours = columns(report_page(document(*every(DAY, 3))), "Hours of the day")
    assert len(hours) == 24
    assert (hours[21], hours[20]) == ("21:00: 3 passed", "20:00: nothing")


def test_spam_scores_have_a_column_for_each_point_between() -> None:
    scored = [msgspec.structs.replace(every(1, 1)[0], score=score) for score in (-1.0, 1.5)]
    assert columns(report_page(document(*scored)), "Messages by spam score") == [
        "-1 points: 1 messages",
        "0 points: 0 messages",
        "1 points: 1 messages",
    ]


def test_many_names_are_cut_and_the_rest_is_counted() -> None:
    events = [
        Event(disposition=Disposition.REJECT, kind=EventKind.VIRUS, name=f"V{number}")
        for number in range(30)
    ]
    page = report_page(document(*events))
    assert page.count('<tr><td class="number">1</td><td>V') == 25
    assert "and 5 more names" in page
