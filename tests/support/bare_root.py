"""A directory that stands for a machine on which nothing but accounts exists."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PASSWD = "root:x:0:0:root:/root:/bin/sh\nclamav:x:102:105::/var/lib/clamav:/bin/false\n"
_GROUP = "root:x:0:\nclamav:x:105:\n"


@contextmanager
def bare_root() -> Iterator[Path]:
    """The directory, short enough for sockets, that every user can enter."""
    root = Path(tempfile.mkdtemp(prefix="mwr", dir="/tmp"))
    try:
        root.chmod(0o755)
        (root / "etc").mkdir()
        (root / "etc/passwd").write_text(_PASSWD)
        (root / "etc/group").write_text(_GROUP)
        yield root
    finally:
        shutil.rmtree(root)
