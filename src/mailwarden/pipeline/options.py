"""The settings in the words of the path: built once when settings load, not for each message."""

from dataclasses import dataclass

from mailwarden.message.parts import ReadingLimits
from mailwarden.settings.model import Settings
from mailwarden.unpack.budget import UnpackLimits
from mailwarden.verdict.decide import Profile
from mailwarden.verdict.disposition import Disposition, parse_disposition
from mailwarden.verdict.report import Kind
from mailwarden.verdict.rules import AttachmentRules
from mailwarden.verdict.thresholds import SpamPolicy


@dataclass(frozen=True, slots=True)
class PathOptions:
    """What the path needs of the settings."""

    settings: Settings
    profile: Profile
    reading: ReadingLimits
    unpacking: UnpackLimits
    attachments: AttachmentRules


def path_options(settings: Settings) -> PathOptions:
    """Take the path's options out of the settings."""
    limits, unpacking = settings.limits, settings.unpacking
    return PathOptions(
        settings=settings,
        profile=site_profile(settings),
        reading=ReadingLimits(
            header_bytes=limits.header_bytes,
            header_fields=limits.header_fields,
            parts=limits.parts,
            depth=limits.depth,
        ),
        unpacking=UnpackLimits(
            bytes_produced=unpacking.unpacked_bytes,
            files=unpacking.files,
            depth=unpacking.depth,
            ratio=unpacking.ratio,
            seconds=unpacking.seconds,
        ),
        attachments=settings.attachments.arranged(),
    )


def site_profile(settings: Settings) -> Profile:
    """The profile of every recipient who has none of their own."""
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
    )
