"""The settings in the words of the path: built once when settings load, not for each message."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailwarden.message.parts import ReadingLimits
from mailwarden.settings.model import Settings
from mailwarden.settings.profiles import Profiles, profiles_of
from mailwarden.unpack.budget import UnpackLimits
from mailwarden.verdict.decide import Profile
from mailwarden.verdict.disposition import Disposition, parse_disposition
from mailwarden.verdict.report import Kind
from mailwarden.verdict.rules import AttachmentRules
from mailwarden.verdict.structure import END_OF_LINE
from mailwarden.verdict.thresholds import SpamPolicy


@dataclass(frozen=True, slots=True)
class RecipientOptions:
    """What the path needs of the settings that hold for some recipients.

    `passed` are codes of anomalies that are not judged, None where nothing of the form is.
    `unasked` are scanners, by name, that others' messages are shown to but not theirs.
    `looks_inside`: somebody is to see what is in their messages, a scanner or a rule.
    """

    settings: Settings
    profile: Profile
    attachments: AttachmentRules
    passed: frozenset[str] | None
    unasked: frozenset[str]
    looks_inside: bool


@dataclass(frozen=True, slots=True)
class PathOptions:
    """What the path needs of the settings.

    `unpacking` has the widest limits of all recipients; who has narrower ones is told by a finding.
    """

    settings: Settings
    profiles: Profiles
    site: RecipientOptions
    by_settings: Mapping[int, RecipientOptions]
    reading: ReadingLimits
    unpacking: UnpackLimits

    def for_recipient(self, address: bytes) -> RecipientOptions:
        """What holds for one recipient; the same object for all with the same settings."""
        return self.by_settings[id(self.profiles.settings_for(address))]


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients of one message with the same settings, in the envelope's order."""

    options: RecipientOptions
    recipients: tuple[bytes, ...]


def group_recipients(options: PathOptions, recipients: Sequence[bytes]) -> tuple[Group, ...]:
    """The recipients by their settings, groups in the order of their first recipients."""
    if not options.profiles.by_pattern:
        return (Group(options.site, tuple(recipients)),)
    groups: dict[int, tuple[RecipientOptions, list[bytes]]] = {}
    for address in recipients:
        theirs = options.for_recipient(address)
        groups.setdefault(id(theirs), (theirs, []))[1].append(address)
    return tuple(Group(theirs, tuple(addresses)) for theirs, addresses in groups.values())


def path_options(settings: Settings) -> PathOptions:
    """Take the path's options out of the settings."""
    profiles = profiles_of(settings)
    distinct = profiles.distinct()
    by_settings = _options_by_settings(distinct)
    limits, unpacking = settings.limits, settings.unpacking
    return PathOptions(
        settings=settings,
        profiles=profiles,
        site=by_settings[id(profiles.site)],
        by_settings=by_settings,
        reading=ReadingLimits(
            header_bytes=limits.header_bytes,
            header_fields=limits.header_fields,
            parts=limits.parts,
            depth=limits.depth,
        ),
        unpacking=UnpackLimits(
            bytes_produced=max(one.unpacking.unpacked_bytes for one in distinct),
            files=max(one.unpacking.files for one in distinct),
            depth=unpacking.depth,
            ratio=unpacking.ratio,
            seconds=unpacking.seconds,
        ),
    )


def _options_by_settings(distinct: Sequence[Settings]) -> Mapping[int, RecipientOptions]:
    """Options by the identity of their settings; equal rules are arranged once."""
    asked = frozenset(name for one in distinct for name in one.scanners)
    rules = {id(one.attachments): one.attachments for one in distinct}
    arranged = {key: attachments.arranged() for key, attachments in rules.items()}
    return {
        id(one): RecipientOptions(
            settings=one,
            profile=_profile(one),
            attachments=arranged[id(one.attachments)],
            passed=_passed(one),
            unasked=asked - frozenset(one.scanners),
            looks_inside=bool(one.scanners or arranged[id(one.attachments)].rules),
        )
        for one in distinct
    }


def _passed(settings: Settings) -> frozenset[str] | None:
    structure = settings.structure
    if not structure.enabled:
        return None
    return frozenset(structure.passed) | (END_OF_LINE if structure.ignore_eol else frozenset())


def _pattern(text: str) -> re.Pattern[str] | None:
    return re.compile(text, re.IGNORECASE) if text else None


def _profile(settings: Settings) -> Profile:
    """The settings of a recipient as far as deciding needs them."""
    asked, spam = settings.dispositions, settings.spam
    return Profile(
        on_finding={
            Kind.VIRUS: parse_disposition(asked.virus),
            Kind.POLICY: parse_disposition(asked.policy),
            Kind.MALFORMED: parse_disposition(asked.malformed),
            Kind.AMBIGUOUS: parse_disposition(asked.ambiguous),
            Kind.AMBIGUOUS_TEXT: parse_disposition(asked.ambiguous_text),
            Kind.ENCRYPTED: parse_disposition(asked.encrypted),
            Kind.UNOPENED: parse_disposition(asked.unopened),
            Kind.OVER_LIMIT: parse_disposition(asked.over_limit),
            Kind.OVERSIZE: parse_disposition(asked.oversize),
            Kind.UNSCORED: Disposition.TAG,
        },
        on_fault={
            "clamd": parse_disposition(settings.clamd.on_fault),
            "spamd": parse_disposition(settings.spamd.on_fault),
            "unpack": parse_disposition(settings.unpacking.on_fault),
        },
        spam=SpamPolicy(spam.quarantine_above, spam.delete_above, spam.delta, spam.reject),
        deleted_viruses=settings.viruses.delete,
        monitored=_pattern(settings.attachments.monitored),
    )
