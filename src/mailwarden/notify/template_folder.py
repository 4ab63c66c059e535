"""Templates of notices: ours, and an administrator's own of the same name before them.

Templates run in Jinja2's sandbox: they see the values that they are given and nothing of the
program. A template of ours is part of the program; whatever an administrator's own does wrong
comes out as `TemplateError`, so that the caller can take ours.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from mailwarden.notify.foreign_text import one_line
from mailwarden.notify.languages import Voice

OWN_TEMPLATES = Path(__file__).parent / "templates"
# RFC 5322 section 2.1.1 asks for 78; some are left for whoever quotes the mail.
_COLUMNS = 72
# What Python raises for a mistake in a template: a wrong type, a division by zero, a file that is
# not UTF-8, a macro that calls itself, a text repeated too often ...
_MISTAKES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class TemplateError(Exception):
    """A template cannot be used; `template` is its name, `error` says what is wrong and where."""

    def __init__(self, template: str, error: str) -> None:
        super().__init__(f"{template}: {error}")
        self.template = template
        self.error = error


def fill(name: str, values: Mapping[str, object], voice: Voice, folder: str = "") -> str:
    """Fill in the template of that name, from `folder` where it has one; raises `TemplateError`."""
    try:
        return _environment(folder, _names_in(folder), voice).get_template(name).render(values)
    except _MISTAKES as error:
        raise TemplateError(*_place_and_text(name, error)) from error


def _names_in(folder: str) -> frozenset[str]:
    try:
        return frozenset(path.name for path in Path(folder).iterdir()) if folder else frozenset()
    except OSError:
        return frozenset()


# Each profile may have a folder and a language; templates that changed on the disk are read again.
# `_names` are those in the folder: with a new one, what was read before does not count any more.
@lru_cache(maxsize=64)
def _environment(folder: str, _names: frozenset[str], voice: Voice) -> SandboxedEnvironment:
    folders = [Path(folder), OWN_TEMPLATES] if folder else [OWN_TEMPLATES]
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=_is_html,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["wrapped"] = wrapped
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined] # the extension adds it
        voice.gettext, voice.ngettext, newstyle=True
    )
    return environment


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html")


def wrapped(text: str) -> str:
    """Text in lines of at most 72 characters; what has no blanks stays whole."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _COLUMNS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return "\n".join(lines)


def _place_and_text(name: str, error: BaseException) -> tuple[str, str]:
    """Which template, and what is wrong with it, on one line."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.name or name, one_line(f"line {error.lineno}: {error.message}")
    return name, one_line(f"{type(error).__name__}: {error}")
