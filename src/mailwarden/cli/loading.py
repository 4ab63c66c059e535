"""Settings for a command, or the end of it: every problem printed, exit code 2."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mailwarden.settings.model import Settings

USAGE_EXIT = 2
TEMPORARY_EXIT = 75


def settings_or_exit(given: Path | None) -> "Settings":
    """Load the settings; prints all that is wrong and ends the command when they are not good."""
    from mailwarden.settings.load import SettingsError, load_settings, settings_path

    try:
        return load_settings(settings_path(given, os.environ))
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE_EXIT)


def complain(message: str) -> None:
    """Say on standard error what is wrong; names from outside must have been made printable."""
    click.echo(f"mailwarden: {message}", err=True)


def fail(message: str, code: int = TEMPORARY_EXIT) -> click.exceptions.Exit:
    """Print what is wrong and return what to raise."""
    complain(message)
    return click.exceptions.Exit(code)
