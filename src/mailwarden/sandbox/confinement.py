"""How a child locks itself in before it looks at anything: limits, Landlock, seccomp.

What the kernel offers is found out once, by the nursery (`Protection`); what it offers must hold,
or the child ends without having looked.
"""

import math
import os
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailwarden.net.descriptors import close_all
from mailwarden.sandbox.kernel import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, prctl
from mailwarden.sandbox.landlock import (
    OWN_FOLDER,
    READ,
    READ_AND_WRITE_DEVICE,
    SCOPES_ABI,
    landlock_abi,
    open_places,
    restrict_files,
)
from mailwarden.sandbox.messages import MOST_OUTCOME_BYTES, Protection
from mailwarden.sandbox.seccomp import filter_program, has_seccomp, restrict_calls
from mailwarden.unpack.budget import UnpackLimits

# Python with all openers maps about 200 MB; the rest is for a payload, what is made of it, and the
# dictionaries of 7z and rar (up to 256 MB for what mail carries).
_ADDRESS_SPACE_BYTES = 1 << 30
# What a payload can make this process write to: a member of 100 MB, and its copies. Maps of
# libraries do not count here.
_DATA_BYTES = 400_000_000
# Its own few, and the pipes and files of one command-line tool.
_DESCRIPTORS = 64
# Counts whatever the daemon's user runs, so it must be far above workers and helpers; it is there
# to stop a child that only forks before the machine has no room left.
_PROCESSES = 1024
# How long after its budget's end a child may live to say so, in seconds.
_GRACE_SECONDS = 1
# A second of a processor takes so long at most where others want it as well; what takes longer is
# asleep.
_BUSY_MACHINE = 4
# From the signal that a process can defer (SIGXCPU) to the one that it cannot (SIGKILL).
_DEFERRABLE_CPU_SECONDS = 1

# All that helpers and their command-line tools see of an environment.
CLEAN_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

# unar looks up its user's name and gives up without one.
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/passwd", "/dev/urandom")
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/bin", *_SYSTEM_FILES)
_NULL_DEVICE = "/dev/null"


@dataclass(frozen=True, slots=True)
class Confinement:
    """What every child of one nursery is locked in with, made ready once.

    `readable` are descriptors of what may be read, `null_device` of what may be written without
    effect; `calls` is the filter of system calls, empty where there is none.
    """

    protection: Protection
    readable: tuple[int, ...]
    null_device: tuple[int, ...]
    calls: bytes

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What must stay open until a child is locked in."""
        return (*self.readable, *self.null_device)


def protection() -> Protection:
    """What this kernel offers."""
    return Protection(landlock_abi(), has_seccomp=has_seccomp())


def prepare_confinement(offered: Protection) -> Confinement:
    """Open and compute now what need not be done in each child."""
    forbids_signals = offered.landlock_abi < SCOPES_ABI
    return Confinement(
        offered,
        open_places(_readable_places()),
        open_places([Path(_NULL_DEVICE)]),
        filter_program(forbids_signals=forbids_signals) if offered.has_seccomp else b"",
    )


def _readable_places() -> list[Path]:
    """What programs and Python need to read, without what lies in another of these folders.

    Every rule costs each child time.
    """
    own_code = (sys.prefix, sys.base_prefix, *filter(None, sys.path))
    places = {Path(place).resolve() for place in (*_SYSTEM_FOLDERS, *own_code)}
    return [place for place in places if places.isdisjoint(place.parents)]


def limit_resources() -> None:
    """Bound what this process may use, whatever its task is."""
    _lower(resource.RLIMIT_AS, _ADDRESS_SPACE_BYTES)
    _lower(resource.RLIMIT_DATA, _DATA_BYTES)
    _lower(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    _lower(resource.RLIMIT_NPROC, _PROCESSES)
    _lower(resource.RLIMIT_CORE, 0)


def limit_spending(limits: UnpackLimits, packed_bytes: int) -> None:
    """Bound what this process may spend on a payload of that size; also a confined process can.

    It is killed by SIGALRM or SIGXCPU when its time is over. Both kinds can be lowered at any time
    and never raised again.
    """
    seconds = max(limits.most_seconds(packed_bytes), 0) + _GRACE_SECONDS
    # What is kept and told; a memory file counts as a file.
    _lower(resource.RLIMIT_FSIZE, limits.bytes_produced + 2 * MOST_OUTCOME_BYTES)
    _lower(resource.RLIMIT_CPU, math.ceil(seconds), _DEFERRABLE_CPU_SECONDS)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds * _BUSY_MACHINE)


def confine(confinement: Confinement, folder: Path) -> None:
    """Lock this process into `folder`, which becomes its working directory; raises `OSError`."""
    os.chdir(folder)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)
    if confinement.protection.landlock_abi:
        _restrict_to(confinement)
    if confinement.calls:
        restrict_calls(confinement.calls)


def _restrict_to(confinement: Confinement) -> None:
    own_folder = os.open(".", os.O_PATH | os.O_CLOEXEC)
    places = [
        *((descriptor, READ) for descriptor in confinement.readable),
        *((descriptor, READ_AND_WRITE_DEVICE) for descriptor in confinement.null_device),
        (own_folder, OWN_FOLDER),
    ]
    restrict_files(confinement.protection.landlock_abi, places)
    close_all((own_folder, *confinement.descriptors))


def _lower(kind: int, soft: int, deferrable: int = 0) -> None:
    """Set a limit, or leave a lower one as it is."""
    hard = soft + deferrable
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))
