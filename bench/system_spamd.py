"""spamd with the rules that its package brings, local tests only: what scoring really costs.

The tests' own spamd (support.spamd) has three rules and would make us look good.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from support.waiting import wait_until

_CHILDREN = 4
_START_SECONDS = 60
_STOP_SECONDS = 10


@contextlib.contextmanager
def system_spamd() -> Iterator[str]:
    """Run it until the end of the block; yields its address as settings write it."""
    folder = Path(tempfile.mkdtemp(prefix="mwb", dir="/tmp"))
    folder.chmod(0o755)
    path = folder / "socket"
    # spamd scores nothing as root.
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    rules = ["--local", "--nouser-config", f"--username={user}", "--syslog=stderr"]
    process = subprocess.Popen(
        ["spamd", *rules, f"--listen={path}", f"--max-children={_CHILDREN}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _pongs(path), _START_SECONDS, "spamd answers PING")
        yield f"unix:{path}"
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)
        shutil.rmtree(folder)


def _pongs(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(_START_SECONDS)
        try:
            stream.connect(str(path))
            stream.sendall(b"PING SPAMC/1.5\r\n\r\n")
            return b"PONG" in stream.recv(1_024)
        except OSError:
            return False
