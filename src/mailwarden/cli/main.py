"""`mailwarden`: the group of all commands; each is imported only when it is called."""

import importlib
import io
import os
import sys
from difflib import get_close_matches
from pathlib import Path

import click

from mailwarden import __version__

# 128 and the number of SIGINT, as shells say it; 1 has a meaning of its own for some commands.
INTERRUPTED_EXIT = 130

# command -> where it lives, and its one line of help (so that `--help` imports nothing)
_COMMANDS = {
    "serve": ("mailwarden.cli.serve:serve", "Run the daemon."),
    "scan": ("mailwarden.cli.scan:scan", "Look at files, Maildirs, mboxes; change nothing."),
    "demo": ("mailwarden.cli.demo.command:demo", "The whole system on this machine, with samples."),
    "config": ("mailwarden.cli.config:config", "Check, show, describe and import the settings."),
    "quarantine": ("mailwarden.cli.quarantine:quarantine", "List, show, release, delete."),
    "report": ("mailwarden.cli.report:report", "Statistics from records and logs."),
    "outbox": ("mailwarden.cli.outbox:outbox", "Send the notices that wait, or list them."),
    "setup": ("mailwarden.cli.setup:setup", "Make users, directories and service files."),
    "selftest": ("mailwarden.cli.selftest:selftest", "Send the test set through the gate."),
}


class LateGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; fails with a suggestion when there is none of that name."""
        if cmd_name not in _COMMANDS:
            near = get_close_matches(cmd_name, _COMMANDS, 1)
            suggestion = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"There is no command {cmd_name!r}.{suggestion}")
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above names commands
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an interruption ends it in one line, with a status of its own."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nmailwarden: interrupted", err=True)
            ctx.exit(INTERRUPTED_EXIT)


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="mailwarden %(version)s")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (else $MAILWARDEN_CONFIG, else /etc/mailwarden/mailwarden.toml).",
)
@click.pass_context
def main(ctx: click.Context, config_path: Path | None) -> None:
    """The content gate for mail servers: nothing is lost, nothing passes unseen."""
    ctx.obj = config_path
    os.umask(0o077)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name or subject that the terminal's character set lacks must not end a command.
        sys.stdout.reconfigure(errors="backslashreplace")
