import importlib
import math
import os
import resource
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

from mailwarden.sandbox.confinement import (
    confine,
    limit_resources,
    limit_spending,
    prepare_confinement,
    protection,
)
from mailwarden.sandbox.messages import MOST_OUTCOME_BYTES, Protection
from mailwarden.unpack.budget import UnpackLimits
from mailwarden.unpack.formats.archives.unar import open_unar
from support.forked import in_fork
from support.native_archives import arj
from support.office import look

_LIMITS = UnpackLimits(bytes_produced=1_000_000, files=100, depth=5, ratio=100, seconds=2.5)
_PACKED_BYTES = 10**9
_CPU_SECONDS = math.ceil(_LIMITS.most_seconds(_PACKED_BYTES) + 1)


def test_time_memory_and_files_are_limited() -> None:
    def limited() -> None:
        limit_resources()
        limit_spending(_LIMITS, _PACKED_BYTES)
        assert resource.getrlimit(resource.RLIMIT_CPU) == (_CPU_SECONDS, _CPU_SECONDS + 1)
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
        assert resource.getrlimit(resource.RLIMIT_AS)[1] == 1 << 30
        most_bytes = 1_000_000 + 2 * MOST_OUTCOME_BYTES
        assert resource.getrlimit(resource.RLIMIT_FSIZE) == (most_bytes, most_bytes)
        assert 13 < signal.getitimer(signal.ITIMER_REAL)[0] <= 14.2

    assert in_fork(limited) == "done"


def test_a_limit_that_is_lower_already_stays() -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        limit_resources()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (20, 20)

    assert in_fork(limited) == "done"


def test_a_confined_process_can_still_be_limited_and_never_less(tmp_path: Path) -> None:
    def limited() -> None:
        limit_resources()
        confine(prepare_confinement(protection()), tmp_path)
        limit_spending(_LIMITS, _PACKED_BYTES)
        limit_spending(replace(_LIMITS, seconds=100, bytes_produced=10**9), _PACKED_BYTES)
        assert resource.getrlimit(resource.RLIMIT_CPU)[1] == _CPU_SECONDS + 1
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] < 10**8

    assert in_fork(limited) == "done"


def test_a_process_confined_to_everything_may_write_and_still_has_no_network(
    tmp_path: Path,
) -> None:
    def confined() -> None:
        confine(prepare_confinement(protection()), Path("/"))
        (tmp_path / "file").touch()
        socket.socket()

    assert in_fork(confined) == "Operation not permitted"
    assert (tmp_path / "file").exists()


def test_a_confined_process_is_in_its_folder_and_can_import_what_is_not_loaded_yet(
    tmp_path: Path,
) -> None:
    def confined() -> None:
        confine(prepare_confinement(protection()), tmp_path)
        assert Path.cwd() == tmp_path
        sys.modules.pop("tarfile", None)
        importlib.import_module("tarfile")

    assert in_fork(confined) == "done"


def test_a_confined_process_can_start_unar(tmp_path: Path) -> None:
    def confined() -> None:
        limit_resources()
        limit_spending(_LIMITS, _PACKED_BYTES)
        confine(prepare_confinement(protection()), tmp_path)
        assert look(open_unar, arj({b"a.txt": b"hello"})).members[0].octets == b"hello"

    assert in_fork(confined) == "done"


def test_a_kernel_without_protection_confines_to_nothing_and_works(tmp_path: Path) -> None:
    def confined() -> None:
        confine(prepare_confinement(Protection(0, has_seccomp=False)), tmp_path)
        Path("/etc/passwd").read_bytes()

    assert in_fork(confined) == "done"


def test_a_folder_that_is_not_there_confines_nobody(tmp_path: Path) -> None:
    confinement = prepare_confinement(protection())
    outcome = in_fork(lambda: confine(confinement, tmp_path / "missing"))
    assert outcome == os.strerror(2)
