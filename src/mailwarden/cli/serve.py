"""`mailwarden serve`: the daemon, in the foreground, its log on standard error."""

import os
from pathlib import Path

import click

from mailwarden.cli.loading import fail, settings_or_exit
from mailwarden.daemon.listening import ListeningError, adopt, leave, listen_at
from mailwarden.daemon.supervisor import Supervisor
from mailwarden.daemon.systemd import ServiceManager
from mailwarden.daemon.wiring import prepare_directories
from mailwarden.ports.keeping import KeepingError
from mailwarden.settings.load import SettingsError, load_settings, settings_path
from mailwarden.settings.model import Settings
from mailwarden.store.schema import StoreError


@click.command()
@click.option(
    "--without-outbox",
    is_flag=True,
    help="Leave sending notices to `mailwarden outbox`, a service of its own.",
)
@click.pass_obj
def serve(config_path: Path | None, without_outbox: bool) -> None:  # noqa: FBT001 - click's way
    """Run the daemon in the foreground: SIGHUP loads the settings again, SIGTERM drains and ends.

    The log goes to standard error, one line for each message.
    """
    settings = settings_or_exit(config_path)
    manager = ServiceManager(os.environ)
    try:
        prepare_directories(settings)
        passed = adopt(manager.passed_sockets())
        listeners = passed or [listen_at(settings.queue.socket)]
    except (ListeningError, KeepingError, StoreError) as error:
        raise fail(str(error)) from error
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}; is it owned by this user?") from error
    Supervisor(
        settings,
        listeners,
        manager,
        lambda: _reload(config_path, settings),
        with_outbox=not without_outbox,
    ).run()
    if not passed:
        leave(settings.queue.socket)


def _reload(config_path: Path | None, first: Settings) -> Settings:
    """Load and prepare everything again; raises `ValueError` that says all that is wrong."""
    try:
        settings = load_settings(settings_path(config_path, os.environ))
        prepare_directories(settings)
    except (SettingsError, KeepingError, StoreError) as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}") from error
    if settings.queue.socket != first.queue.socket:
        raise ValueError("queue.socket has changed, which needs a restart")
    return settings
