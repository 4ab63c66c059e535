"""System calls that Python has no name for: prctl(2), memory files' seals, and calls by number."""

import ctypes
import fcntl
import os

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

# fcntl(2): the memory file can neither change nor be unsealed any more.
_F_ADD_SEALS = 1033
_SEAL_ALL = 0x0001 | 0x0002 | 0x0004 | 0x0008

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def prctl(option: int, value: int, address: int = 0) -> None:
    """Set something of this process; raises `OSError`."""
    if _LIBC.prctl(option, value, address, 0, 0) < 0:
        raise _last_error()


def system_call(number: int, *arguments: int) -> int:
    """Call the kernel by number with integers or addresses; raises `OSError`."""
    result = int(_LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, arguments)))
    if result < 0:
        raise _last_error()
    return result


def seal(descriptor: int) -> None:
    """Make a memory file unchangeable; raises `OSError` while somebody has it mapped to write."""
    fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEAL_ALL)


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
