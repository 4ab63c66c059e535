r"""Puts `mailwarden-queue` into the wheel: compiled where a C compiler works, else the twin.

hatchling runs it for a wheel and for an editable install (`pyproject.toml` names it).
`$CC` is the compiler when it is set, with arguments if need be; `cc` and `gcc` are tried
otherwise:

    CC='cc -DDEFAULT_QUEUE=\"/opt/qmail/bin/qmail-queue\"' pip install .
"""

import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROGRAM = "mailwarden-queue"
COMPILE_SECONDS = 120

FLAGS = (
    "-std=c99",
    "-O2",
    "-s",
    "-Wall",
    "-Wextra",
    "-pedantic",
    "-fstack-protector-strong",
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=2",
    "-fPIE",
    "-Wl,-z,relro,-z,now",
)
# Static first: it starts quicker (DESIGN section 10) and needs less under a tight softlimit.
LINKING = (("-static-pie",), ("-pie",))


class CustomBuildHook(BuildHookInterface[BuilderConfig]):
    """This puts one script into each wheel and gives the wheel the tag that it then needs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - theirs
        """Compile, and tell hatchling what to ship."""
        if self.target_name != "wheel":
            return
        sources = Path(self.root) / "client"
        self._built = tempfile.TemporaryDirectory(prefix="mailwarden-queue-")
        program = Path(self._built.name) / PROGRAM
        if compile_client(sources / "mailwarden-queue.c", program):
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"
            build_data["pure_python"] = False
        else:
            self.app.display_warning(f"no working C compiler: {PROGRAM} is its slower Python twin")
            program = sources / "mailwarden_queue.py"
        build_data["shared_scripts"][str(program)] = PROGRAM

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - theirs
        """Throw away what was compiled; the wheel holds it now."""
        if self.target_name == "wheel":
            self._built.cleanup()


def compile_client(source: Path, target: Path) -> bool:
    """Compile `source` to the executable `target`; false when no compiler here can."""
    given = os.environ.get("CC")
    compilers = [shlex.split(given)] if given else [["cc"], ["gcc"]]
    return any(
        _succeeds([*compiler, *FLAGS, *linking, "-o", str(target), str(source)])
        for compiler in compilers
        for linking in LINKING
    )


def _succeeds(command: list[str]) -> bool:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return True
