"""Trying an administrator's templates before they are needed, each with a made-up message."""

from collections.abc import Iterator

from mailwarden.notify.rendering import render
from mailwarden.notify.template_folder import TemplateError
from mailwarden.verdict.errand import Errand, ErrandKind
from mailwarden.verdict.record import Json
from mailwarden.verdict.telling import Audience

# The fewest that make a summary.
_SUMMARY = 2


def check_templates(folder: str, language: str) -> tuple[TemplateError, ...]:
    """Say what is wrong with the templates in a folder, each mistake once; nothing is right."""
    problems: list[TemplateError] = []
    for errands in _occasions(folder, language):
        render(errands, 0.0, "check", problems.append)
    return tuple({str(problem): problem for problem in problems}.values())


def _occasions(folder: str, language: str) -> Iterator[list[Errand]]:
    for audience in Audience:
        errand = _errand(audience, folder, language)
        yield [errand]
        yield [errand] * _SUMMARY


def _errand(audience: Audience, folder: str, language: str) -> Errand:
    content: Json = {
        "audience": audience.value,
        "language": language,
        "admin": "postmaster@example.org",
        "admin_name": "Administrator",
        "templates": folder,
        "debug": True,
        "hostname": "mail.example.org",
        "record": _record(),
        "header": "From: sender@example.org\nSubject: a subject\n",
    }
    return Errand("check", 0.0, ErrandKind.NOTICE, "postmaster@example.org", "check", content)


def _record() -> Json:
    return {
        "id": "20260101-120000-abcdefgh",
        "reason": "virus:A-Virus",
        "detail": "a scanner found virus A-Virus in file.exe",
        "sender": "sender@example.org",
        "recipients": [{"address": "recipient@example.org"}],
        "subject": "a subject",
        "message_id": "<1@example.org>",
        "files": [["file.exe", 1_000]],
        "kept_as": "20260101-120000-abcdefgh",
        "size_bytes": 2_000,
        "origin": "192.0.2.1",
        "spam": {"score": 7.5, "required": 5.0, "tests": ["A_TEST"], "points": [["A_TEST", 7.5]]},
        "scanners": ["scanner: 1.0."],
    }
