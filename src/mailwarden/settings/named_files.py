"""Files that the settings name and that hold settings themselves: read when settings are loaded.

Rule files of everybody and of profiles, and Qmail-Scanner's files for users and domains. What was
read stands in the settings in place of the bare path; what is wrong in a file is a problem of it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mailwarden.settings.catalogue import PROFILES
from mailwarden.settings.locations import KeyPath
from mailwarden.settings.model import Settings
from mailwarden.settings.per_domain_files import FileKind, PerDomainFile, read_per_domain_file
from mailwarden.settings.per_recipient import AttachmentSettings
from mailwarden.settings.problems import Problem
from mailwarden.settings.rule_files import Mistake, RuleFile, read_rule_file

Lines = Mapping[KeyPath, int]


def with_named_files(
    settings: Settings, lines: Lines, positions: Sequence[int]
) -> tuple[Settings, list[Problem]]:
    """The same settings with what the files say, and what is wrong in these.

    `positions` tells where in the list of the settings file each profile stands.
    """
    reading = _Reading(lines)
    attachments = reading.with_rules(settings.attachments, ())
    profiles = [
        profile.model_copy(
            update={"attachments": reading.with_rules(profile.attachments, (PROFILES, position))}
        )
        if profile.attachments.rules_files
        else profile
        for profile, position in zip(settings.profile, positions, strict=True)
    ]
    files = {kind.value: reading.per_domain(settings, kind) for kind in FileKind}
    update = {
        "attachments": attachments,
        "profile": tuple(profiles),
        "per_domain": settings.per_domain.model_copy(update=files),
    }
    return settings.model_copy(update=update), reading.problems


class _Reading:
    """Reads files and gathers what is wrong; a rule file that several name is read once."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._rules: dict[Path, RuleFile] = {}
        self.problems: list[Problem] = []

    def with_rules(self, attachments: AttachmentSettings, above: KeyPath) -> AttachmentSettings:
        """The same settings, which stand below a path, with the rules of the files they name."""
        files: list[RuleFile] = []
        for position, named in enumerate(attachments.rules_files):
            try:
                files.append(self._rule_file(named.path))
            except OSError as error:
                key = (*above, "attachments", "rules_files")
                self._tell_unreadable(named.path, key, (*key, position), error)
        return attachments.model_copy(update={"rules_files": tuple(files)})

    def per_domain(self, settings: Settings, kind: FileKind) -> PerDomainFile | None:
        """What one of Qmail-Scanner's files says, if there is one."""
        named: PerDomainFile | None = getattr(settings.per_domain, kind.value)
        if named is None:
            return None
        try:
            file = read_per_domain_file(named.path, kind)
        except OSError as error:
            key = ("per_domain", kind.value)
            self._tell_unreadable(named.path, key, key, error)
            return named
        self._tell_mistakes(file.path, file.mistakes)
        return file

    def _rule_file(self, path: Path) -> RuleFile:
        if path not in self._rules:
            self._rules[path] = read_rule_file(path)
            self._tell_mistakes(path, self._rules[path].mistakes)
        return self._rules[path]

    def _tell_mistakes(self, path: Path, mistakes: Sequence[Mistake]) -> None:
        self.problems += [
            Problem("", mistake.line or None, mistake.message, mistake.suggestion, str(path))
            for mistake in mistakes
        ]

    def _tell_unreadable(self, path: Path, key: KeyPath, place: KeyPath, error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        advice = "the user that runs mailwarden must be able to read it, at every reload"
        where = ".".join(name for name in key if isinstance(name, str))
        message = f"{path} cannot be read: {reason}"
        self.problems.append(Problem(where, self._lines.get(place), message, advice))
