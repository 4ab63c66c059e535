"""Qmail-Scanner's ways: a file of rules, the four mails of an installation test, and its records.

Header fields, the log's report and tcp.smtp are compared in `qmail_records`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agreement.frame import Case, Result, Tools
from agreement.path import Look
from agreement.qmail_records import compare_headers, compare_report, compare_rules
from mailwarden.settings.rule_files import RuleFile, read_rule_file
from mailwarden.verdict.conditions import Extension, HeaderField, Named, Size
from mailwarden.verdict.report import Kind
from mailwarden.verdict.rules import Rule

FOLDER = "qmail"

_Json = dict[str, Any]  # as the expectation has it


def compare(tools: Tools) -> Result:
    """Compare the rules as read, the verdicts, and what was written about messages."""
    folder = tools.corpus / FOLDER
    return Result(
        [
            *_rules(folder),
            *_verdicts(tools, folder / "install-test"),
            *compare_headers(folder / "scanner-headers.jsonl"),
            *compare_report(folder / "log-report-sample.txt"),
            *compare_rules(folder / "tcp.smtp.sample"),
        ]
    )


def _rules(folder: Path) -> Iterator[Case]:
    name = "quarantine-events.sample.txt"
    ours = read_rule_file(folder / name)
    expected = (folder / name).with_suffix(".json").read_text(encoding="utf-8")
    theirs = json.loads(expected)
    yield Case(name, "mistakes", _mistaken_lines(folder / name, ours), str(theirs["errors"]))
    for number, (our, their) in enumerate(zip(ours.rules, theirs["rules"], strict=False), 1):
        yield Case(name, "rule", _our_rule(our), _their_rule(their), f"rule {number}")
    yield Case(name, "count", str(len(ours.rules)), str(len(theirs["rules"])))


def _mistaken_lines(path: Path, ours: RuleFile) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return str([{"line": lines[mistake.line - 1]} for mistake in ours.mistakes])


def _our_rule(rule: Rule) -> str:
    conditions = [
        word for condition in (*rule.of_file, *rule.of_message) for word in _words(condition)
    ]
    return ", ".join([*conditions, rule.kind, rule.description])


def _words(condition: object) -> Iterator[str]:
    match condition:
        case Extension(extensions=words):
            yield from (f".{word}" for word in words)
        case Named(names=words):
            yield from words
        case Size(least_bytes=size_bytes):
            yield str(size_bytes)
        case HeaderField(name=name, pattern=pattern):
            yield f"{name}: {pattern.pattern}"
        case _:
            yield str(condition)


def _their_rule(rule: _Json) -> str:
    if rule["type"] == "header":
        condition = f"{rule['header'].lower()}: {rule['variable']}"
        return f"{condition}, {rule['class'].lower()}, {rule['description']}"
    words = [rule["variable"]] if rule["size"] < 1 else [rule["variable"], str(rule["size"])]
    return ", ".join([*words, Kind.POLICY, rule["description"]])


def _verdicts(tools: Tools, folder: Path) -> Iterator[Case]:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    for name, theirs in sorted(expected.items()):
        look = tools.path.look((folder / name).read_bytes())
        yield Case(f"install-test/{name}", "verdict", _verdict(look), theirs)


def _verdict(look: Look) -> str:
    """Give the verdict in the words of the installation test; what is ambiguous is bad MIME."""
    kinds = {finding.kind for finding in look.report.findings}
    score = look.report.score
    if Kind.VIRUS in kinds:
        return "virus"
    if kinds & {Kind.MALFORMED, Kind.AMBIGUOUS}:
        return "bad-mime"
    if score is not None and score.score >= score.required:
        return "spam"
    return "clean" if not kinds else ", ".join(sorted(kinds))
