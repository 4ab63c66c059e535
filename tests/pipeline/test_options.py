"""The settings in the words of the path: every kind and scanner has what was configured."""

import typing
from decimal import Decimal

import pytest

from mailwarden.message.limits import ReadingLimits
from mailwarden.pipeline.options import path_options
from mailwarden.settings.model import OnFault, Settings
from mailwarden.settings.per_recipient import OnFinding, ScannerName
from mailwarden.unpack.budget import UnpackLimits
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Kind
from mailwarden.verdict.thresholds import SpamPolicy
from support.arrivals import settings_of


def test_every_kind_has_a_disposition() -> None:
    assert path_options(Settings()).site.profile.on_finding.keys() == set(Kind)


def test_by_default_nothing_dangerous_passes() -> None:
    asked = path_options(Settings()).site.profile.on_finding
    passing = {kind for kind, disposition in asked.items() if disposition < Disposition.DEFER}
    assert passing == {Kind.UNSCORED, Kind.AMBIGUOUS_TEXT}
    assert asked[Kind.VIRUS] is asked[Kind.POLICY] is Disposition.QUARANTINE


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.UNSCORED}))
@pytest.mark.parametrize("word", typing.get_args(OnFinding))
def test_each_kind_has_the_disposition_of_its_own_setting(kind: Kind, word: str) -> None:
    key = kind.value.replace("-", "_")
    profile = path_options(settings_of(dispositions={key: word})).site.profile
    assert profile.on_finding[kind].word == word


# The test patterns have nobody to ask, so they cannot fail to answer.
@pytest.mark.parametrize("name", sorted({*typing.get_args(ScannerName)} - {"test-patterns"}))
@pytest.mark.parametrize("word", typing.get_args(OnFault))
def test_each_scanner_has_the_disposition_of_its_own_setting(name: str, word: str) -> None:
    assert (
        path_options(settings_of(**{name: {"on_fault": word}})).site.profile.on_fault[name].word
        == word
    )


def test_a_fault_defers_by_default() -> None:
    assert set(path_options(Settings()).site.profile.on_fault.values()) == {Disposition.DEFER}


def test_the_thresholds_are_those_of_the_settings() -> None:
    spam = {"quarantine_above": "2.1", "delete_above": "4.2", "delta": "0.5"}
    points = {key: Decimal(value) for key, value in spam.items()}
    profile = path_options(settings_of(spam={**points, "reject": True})).site.profile
    assert profile.spam == SpamPolicy(Decimal("2.1"), Decimal("4.2"), Decimal("0.5"), reject=True)


def test_the_limits_are_those_of_the_settings() -> None:
    limits = {"header_bytes": 1, "header_fields": 2, "parts": 3, "depth": 4}
    unpacking = {"unpacked_bytes": 5, "files": 6, "depth": 7, "ratio": 8, "seconds": 9.0}
    options = path_options(settings_of(limits=limits, unpacking=unpacking))
    assert options.reading == ReadingLimits(header_bytes=1, header_fields=2, parts=3, depth=4)
    assert options.unpacking == UnpackLimits(
        bytes_produced=5, files=6, depth=7, ratio=8, seconds=9.0
    )


def test_the_attachment_rules_are_those_of_the_settings() -> None:
    settings = settings_of(attachments={"forbidden_extensions": ["exe"], "default_rules": False})
    assert path_options(settings).site.attachments == settings.attachments.arranged()
    assert len(settings.attachments.arranged().rules) == 1
