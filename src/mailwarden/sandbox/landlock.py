"""Which files a child may touch, and that it may neither open nor take connections: Landlock.

Landlock(7) and include/uapi/linux/landlock.h. Each ABI of the kernel knows more rights; what an
older one does not know, `seccomp` forbids as far as it can.
"""

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from mailwarden.sandbox.kernel import system_call

# The same numbers on every architecture.
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

# struct landlock_ruleset_attr: file system, network and scoped rights that are taken away. A kernel
# takes a longer structure than its own when the rest is zero.
_RULESET = struct.Struct("=QQQ")
# struct landlock_path_beneath_attr, packed: rights given back, and where.
_PATH_BENEATH = struct.Struct("=Qi")

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_REMOVE_DIR = 1 << 4
_REMOVE_FILE = 1 << 5
_MAKE_DIR = 1 << 7
_MAKE_REG = 1 << 8
_MAKE_FIFO = 1 << 10
_MAKE_SYM = 1 << 12
_REFER = 1 << 13
_TRUNCATE = 1 << 14

# What a rule may name when its path is a file.
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

# ABI 1 to 5: 13 rights, REFER, TRUNCATE, (network), IOCTL_DEV.
_FILE_SYSTEM_RIGHTS_BY_ABI = (0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1)
_FILE_SYSTEM_RIGHTS = (1 << 16) - 1
_NETWORK_ABI, _NETWORK_RIGHTS = 4, 0b11  # bind, connect (TCP)
SCOPES_ABI, _SCOPES = 6, 0b11  # abstract unix sockets, signals

READ = _EXECUTE | _READ_FILE | _READ_DIR
READ_AND_WRITE_DEVICE = _READ_FILE | _WRITE_FILE
# No execution: mail content runs nowhere. No sockets, no devices.
OWN_FOLDER = (
    _WRITE_FILE
    | _READ_FILE
    | _READ_DIR
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_FIFO
    | _MAKE_SYM
    | _REFER
    | _TRUNCATE
)


def landlock_abi() -> int:
    """The version of Landlock that this kernel has; 0 when it has none."""
    try:
        return system_call(_CREATE_RULESET, 0, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0  # ENOSYS: not built; EOPNOTSUPP: not started


def open_places(paths: Iterable[Path]) -> tuple[int, ...]:
    """Descriptors of those places that exist, to give rights on."""
    descriptors: list[int] = []
    for path in paths:
        with contextlib.suppress(OSError):
            descriptors.append(os.open(path, os.O_PATH | os.O_CLOEXEC))
    return tuple(descriptors)


def restrict_files(abi: int, places: Iterable[tuple[int, int]]) -> None:
    """Leave this process `(descriptor, rights)` of the file system and no TCP; raises `OSError`.

    Needs `PR_SET_NO_NEW_PRIVS`. Files that are open stay open.
    """
    file_system = (*_FILE_SYSTEM_RIGHTS_BY_ABI, _FILE_SYSTEM_RIGHTS)[min(abi, 5)]
    network = _NETWORK_RIGHTS if abi >= _NETWORK_ABI else 0
    scopes = _SCOPES if abi >= SCOPES_ABI else 0
    attribute = ctypes.create_string_buffer(_RULESET.pack(file_system, network, scopes))
    ruleset = system_call(_CREATE_RULESET, ctypes.addressof(attribute), _RULESET.size, 0)
    try:
        for descriptor, rights in places:
            _give(ruleset, descriptor, rights & file_system)
        system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _give(ruleset: int, descriptor: int, rights: int) -> None:
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= _FILE_RIGHTS
    rule = ctypes.create_string_buffer(_PATH_BENEATH.pack(rights, descriptor))
    system_call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.addressof(rule), 0)
