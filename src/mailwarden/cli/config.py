"""`mailwarden config`: check, show and describe the settings.

The commands only choose what to print; reading and wording live in `mailwarden.settings`.
Problems go to standard error, everything else to standard output, in colour on a terminal only.
"""

import json
import os
from difflib import get_close_matches
from pathlib import Path
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Literal

import click

from mailwarden.cli.config_import import import_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mailwarden.settings.catalogue import Entry
    from mailwarden.settings.load import Loaded, SettingsError
    from mailwarden.settings.model import Settings
    from mailwarden.settings.origins import ShownSettings
    from mailwarden.settings.problems import Problem

Format = Literal["text", "markdown", "toml", "json-schema"]

# What a usage error and bad settings end with (DESIGN section 7).
EXIT_BAD_SETTINGS = 2
# Longer lines are hard to read, however wide the terminal.
_TEXT_COLUMNS = 100
_INDENT = "    "


@click.group()
def config() -> None:
    """Check, show, describe and import the settings."""


config.add_command(import_settings)


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.pass_context
def check(context: click.Context, file: Path | None) -> None:
    """Say everything that is wrong with a settings file, all at once.

    FILE is the settings file in use where none is given.
    Ends with status 2 when something is wrong.
    """
    context.exit(check_settings(_path(context) if file is None else file, is_named=bool(file)))


@config.command()
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object for each setting, a line each."
)
@click.option("--for", "recipient", metavar="ADDRESS", help="What is in effect for this recipient.")
@click.pass_context
def show(context: click.Context, *, as_json: bool, recipient: str | None) -> None:
    """Show every setting as it is in effect, and where it comes from."""
    if recipient is not None and "@" not in recipient.strip("@"):
        raise click.BadParameter("a whole address, as user@example.org", param_hint="--for")
    context.exit(show_settings(_path(context), as_json=as_json, recipient=recipient))


@config.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "toml", "json-schema"]),
    default="text",
    show_default=True,
    help="toml is a sample to start from.",
)
@click.argument("key", default="")
@click.pass_context
def describe(context: click.Context, form: Format, key: str) -> None:
    """Describe all settings, those of a table, or one.

    KEY is a setting (spam.delete_above) or a table (spam).
    """
    if key and form == "json-schema":
        raise click.UsageError("json-schema describes the whole file: leave KEY out")
    context.exit(describe_settings(form, key))


def check_settings(path: Path, *, is_named: bool) -> int:
    """Print what is wrong with a settings file; returns the exit status.

    A file that somebody named must exist; the default one need not.
    """
    from mailwarden.settings.load import DEFAULT_PATH, SettingsError, read_settings

    try:
        loaded = read_settings(path, must_exist=is_named or path != DEFAULT_PATH)
    except SettingsError as error:
        _print_problems(error)
        return EXIT_BAD_SETTINGS
    mistakes = tuple(_template_mistakes(loaded.settings))
    for mistake in mistakes:
        click.echo(f"{mistake}\n{_INDENT}until that is right, ours are used", err=True)
    if mistakes:
        return EXIT_BAD_SETTINGS
    _print_ok(_summary(loaded))
    return 0


def show_settings(path: Path, *, as_json: bool, recipient: str | None = None) -> int:
    """Print the settings in effect, of everybody or one recipient; returns the exit status."""
    from mailwarden.settings.load import DEFAULT_PATH, SettingsError, read_settings

    try:
        loaded = read_settings(path, must_exist=path != DEFAULT_PATH)
    except SettingsError as error:
        _print_problems(error)
        return EXIT_BAD_SETTINGS
    effective = _effective(loaded, recipient)
    console = _console()
    if as_json:
        click.echo("".join(_json_lines(effective)), nl=False)
    elif console.is_terminal:
        console.print(effective_table(loaded, effective))
    else:
        click.echo("".join(_toml_lines(loaded, effective)), nl=False)
    return 0


def describe_settings(form: Format, key: str) -> int:
    """Print the reference in one of its forms; returns the exit status."""
    from mailwarden.settings import describe

    shown = describe.selected(key)
    if not shown:
        click.echo(f"{key}: there is no such setting or table\n    {_likely(key)}", err=True)
        return EXIT_BAD_SETTINGS
    match form:
        case "text":
            _print_text(shown)
        case "markdown":
            click.echo(describe.markdown(shown), nl=False)
        case "toml":
            click.echo(describe.sample(shown), nl=False)
        case "json-schema":
            click.echo(describe.json_schema(), nl=False)
    return 0


def _template_mistakes(settings: "Settings") -> "Iterator[str]":
    """What is wrong with an administrator's templates of notices, also those of profiles."""
    from mailwarden.settings.profiles import profiles_of

    notices = [one.notices for one in profiles_of(settings).distinct()]
    for folder, language in sorted({(str(one.templates or ""), one.language) for one in notices}):
        if folder:
            yield from _mistakes_in(folder, language)


def _mistakes_in(folder: str, language: str) -> "Iterator[str]":
    from mailwarden.cli.printing import printable
    from mailwarden.notify.template_check import check_templates

    # A file has nothing below it, not even a dot.
    if not os.access(f"{folder}/.", os.R_OK | os.X_OK):
        yield f"notices.templates: {printable(folder)} is no directory that can be read"
        return
    for mistake in check_templates(folder, language):
        yield printable(f"{folder}/{mistake.template}: {mistake.error}")


def _path(context: click.Context) -> Path:
    from mailwarden.settings.load import settings_path

    return settings_path(context.obj, os.environ)


def _console(*, stderr: bool = False) -> "Console":
    """A console that takes texts as they are; rich itself knows terminals and NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def _print_ok(summary: str) -> None:
    from rich.text import Text

    _console().print(Text.assemble(("ok", "green"), f": {summary}"), soft_wrap=True)


def _print_problems(error: "SettingsError") -> None:
    console = _console(stderr=True)
    for problem in error.problems:
        # Folded between words for eyes, never for editors and other programs.
        console.print(_problem_text(problem, error.source), soft_wrap=not console.is_terminal)


def _problem_text(problem: "Problem", source: str) -> "Text":
    """The same words as `Problem.told`, in colour."""
    from rich.text import Text

    text = Text(f"{problem.place(source)}: ", style="bold")
    if problem.where:
        text.append(f"{problem.where}: ", style="bold cyan")
    text.append(problem.message, style="not bold")
    if problem.suggestion:
        text.append(f"\n    {problem.suggestion}", style="not bold green")
    return text


def _summary(loaded: "Loaded") -> str:
    if not loaded.exists:
        return f"there is no {loaded.source}, so every setting is the default"
    count = len(loaded.lines)
    return f"{loaded.source}, {count} {'setting' if count == 1 else 'settings'} given"


def _effective(loaded: "Loaded", recipient: str | None) -> "ShownSettings":
    from mailwarden.settings.origins import shown_for, shown_for_everybody

    if recipient is None:
        return shown_for_everybody(loaded)
    return shown_for(loaded, recipient.encode("utf-8", "surrogateescape"))


def effective_table(loaded: "Loaded", effective: "ShownSettings") -> "Table":
    """The settings in effect, for a terminal: those that were given stand out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from mailwarden.settings.catalogue import toml_value

    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text(_title(loaded, effective)),
        title_justify="left",
        title_style="not italic",
    )
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for one in effective.shown:
        origin = _origin(Path(one.source).name, one.line)
        cells = (one.entry.key, toml_value(one.value), origin)
        table.add_row(*map(Text, cells), style="bold" if one.source else "dim")
    return table


def _title(loaded: "Loaded", effective: "ShownSettings") -> str:
    return f"{_summary(loaded)}; {effective.profile}" if effective.profile else _summary(loaded)


def _origin(source: str, line: int | None) -> str:
    return f"{source}:{line}" if source else "default"


def _toml_lines(loaded: "Loaded", effective: "ShownSettings") -> "Iterator[str]":
    """The settings in effect, for a pipe: a settings file that says them all."""
    from mailwarden.settings.catalogue import toml_value

    yield f"# {_title(loaded, effective)}\n"
    for one in effective.shown:
        origin = _origin(one.source, one.line)
        yield f"{one.entry.key} = {toml_value(one.value)}  # {origin}\n"


def _json_lines(effective: "ShownSettings") -> "Iterator[str]":
    from mailwarden.settings.origins import plain_values

    values = plain_values(effective.settings)
    for one in effective.shown:
        shown = {
            "key": one.entry.key,
            "value": values[one.entry.key],
            "from": _origin(one.source, one.line),
        }
        yield f"{json.dumps(shown, ensure_ascii=False)}\n"


def _print_text(shown: "Sequence[Entry]") -> None:
    from rich.text import Text

    console = _console()
    columns = min(console.width, _TEXT_COLUMNS) - len(_INDENT)
    for entry in shown:
        sentence, expected = (
            indent("\n".join(wrap(told, columns)), _INDENT)
            for told in (entry.sentence, f"Expected: {entry.words}.")
        )
        default = (f"{_INDENT}Default: ", (entry.default_words, "green"))
        text = Text.assemble(
            (entry.key, "bold cyan"), f"\n{sentence}\n{expected}\n", *default, "\n"
        )
        console.print(text, soft_wrap=True)


def _likely(key: str) -> str:
    from mailwarden.settings.catalogue import PROFILES, sections
    from mailwarden.settings.problems import nearest_key

    section, _, name = key.rpartition(".")
    tables = [] if section else get_close_matches(name, [*sections(), PROFILES], 1)
    near = tables[0] if tables else nearest_key(section, name)
    return f"did you mean {near}?" if near else "see them all: mailwarden config describe"
