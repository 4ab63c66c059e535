"""What errands carry is read back with its types."""

import json
from dataclasses import replace

import msgspec
import pytest

from mailwarden.notify.content import MailRecord, contents_of
from mailwarden.verdict.record import record_json, text_of
from mailwarden.verdict.telling import Audience
from support.notices import errand_of
from support.records import record_of


def test_a_record_is_read_as_the_path_writes_it() -> None:
    written = record_json(record_of(sender=b"\xff@example.org"))
    stored = json.loads(json.dumps(written))
    (content,) = contents_of([errand_of(record=stored)])
    assert content.record.sender == text_of(b"\xff@example.org")
    assert content.record.reason == "virus:Test-Virus"
    assert [one.address for one in content.record.recipients] == ["one@example.net"]


def test_what_an_older_release_wrote_may_lack_what_is_new() -> None:
    errand = replace(errand_of(), content={"audience": "recipients"})
    (content,) = contents_of([errand])
    assert (content.audience, content.language) == (Audience.RECIPIENTS, "en_GB")
    assert content.record == MailRecord()


@pytest.mark.parametrize(
    "content", [{}, {"audience": "everybody"}, {"audience": "admin", "record": {"at": "noon"}}]
)
def test_what_is_no_notice_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        contents_of([replace(errand_of(), content=content)])


def test_the_oldest_errand_comes_first() -> None:
    errands = [
        replace(errand_of(language=language), at=at)
        for language, at in (("de_DE", 2.0), ("fr_FR", 3.0), ("nl_NL", 1.0))
    ]
    languages = [content.language for content in contents_of(errands)]
    assert languages == ["nl_NL", "de_DE", "fr_FR"]
