"""Which system calls a child may not make: a filter for the kernel, seccomp(2).

It names what unpacking never needs and an attacker would, above all sockets; the rest is allowed,
as it changes with every library. Calls newer than the table do not exist for a child.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterator

from mailwarden.sandbox.kernel import PR_SET_SECCOMP, prctl

_MODE_FILTER = 2

# struct sock_filter, and the few instructions of linux/bpf_common.h that are used.
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD = 0x20  # a word of struct seccomp_data, by offset
_IF_EQUAL = 0x15
_IF_GREATER = 0x25
_IF_ANY_BIT = 0x45
_RETURN = 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENT_OFFSET = 0, 4, 16  # both are little-endian

_KILL_PROCESS = 0x8000_0000
_ERRNO = 0x0005_0000
_ALLOW = 0x7FFF_0000

# linux/audit.h
_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_MACHINES = tuple(_ARCHITECTURES)

# Linux 6.0. Above are newer calls, whose callers know what to do without them, and those of x32.
_NEWEST_CALL = 450

# CLONE_NEW...: namespaces, in which a process has rights that it has not outside.
_NAMESPACE_FLAGS = 0x7E02_0000
_CLONE = (56, 220)
_CLONE3 = (435, 435)  # its flags lie in memory, where a filter cannot look; libraries fall back

_NONE = -1
# Name: the numbers on x86_64 and aarch64.
_FORBIDDEN = {
    # No network, not even to our own neighbours.
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    # Other processes of the same user; leaving the group that is killed when the child ends.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # Attributes of files, which Landlock does not guard; truncate(2) it does from ABI 3 on.
    "chmod": (90, _NONE),
    "fchmodat": (268, 53),
    "chown": (92, _NONE),
    "lchown": (94, _NONE),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "utime": (132, _NONE),
    "utimes": (235, _NONE),
    "futimesat": (261, _NONE),
    "utimensat": (280, 88),
    "truncate": (76, 45),
    # Namespaces and mounts.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # Parts of the kernel that have had many holes and that no unpacker asks for.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    # The machine itself, for when the daemon runs as root after all.
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, _NONE),
    "ioperm": (173, _NONE),
    "vhangup": (153, 58),
}

# A limit of somebody else; its first argument is 0 for oneself.
_PRLIMIT = (302, 261)

# Forbidden where Landlock does not keep signals inside: the daemon's worker has the same user.
# Answered with ESRCH, "there is no such process", which callers expect.
_SIGNALS = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}


def has_seccomp() -> bool:
    """Whether this kernel takes filters, and we have the numbers of its calls."""
    if platform.machine() not in _ARCHITECTURES:
        return False
    try:
        prctl(PR_SET_SECCOMP, _MODE_FILTER)  # no filter at all
    except OSError as error:
        return error.errno == errno.EFAULT
    return False


def filter_program(*, forbids_signals: bool) -> bytes:
    """The filter for this machine, which must be one that `has_seccomp`."""
    return b"".join(_instructions(platform.machine(), forbids_signals=forbids_signals))


def restrict_calls(program: bytes) -> None:
    """Forbid what `program` forbids, for good; needs `PR_SET_NO_NEW_PRIVS`; raises `OSError`."""
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog
    header = ctypes.create_string_buffer(
        struct.pack("@HP", len(program) // _INSTRUCTION.size, ctypes.addressof(instructions))
    )
    prctl(PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(header))


def _instructions(machine: str, *, forbids_signals: bool) -> Iterator[bytes]:
    place = _MACHINES.index(machine)
    yield _step(_LOAD, _ARCHITECTURE_OFFSET)
    yield _step(_IF_EQUAL, _ARCHITECTURES[machine], skip_if_true=1)
    yield _step(_RETURN, _KILL_PROCESS)
    yield _step(_LOAD, _NUMBER_OFFSET)
    yield _step(_IF_GREATER, _NEWEST_CALL, skip_if_false=1)
    yield _step(_RETURN, _ERRNO | errno.ENOSYS)
    yield from _refused(_CLONE3[place], errno.ENOSYS)
    for numbers in _FORBIDDEN.values():
        if numbers[place] != _NONE:
            yield from _refused(numbers[place], errno.EPERM)
    for numbers in _SIGNALS.values() if forbids_signals else ():
        yield from _refused(numbers[place], errno.ESRCH)
    yield from _refused_with_bits(_CLONE[place], _NAMESPACE_FLAGS)
    yield from _refused_with_bits(_PRLIMIT[place], 0xFFFF_FFFF)
    yield _step(_RETURN, _ALLOW)


def _refused(number: int, error: int) -> Iterator[bytes]:
    yield _step(_IF_EQUAL, number, skip_if_false=1)
    yield _step(_RETURN, _ERRNO | error)


def _refused_with_bits(number: int, bits: int) -> Iterator[bytes]:
    """Refuse a call whose first argument has any of those bits; allow it without."""
    yield _step(_IF_EQUAL, number, skip_if_false=4)
    yield _step(_LOAD, _ARGUMENT_OFFSET)
    yield _step(_IF_ANY_BIT, bits, skip_if_false=1)
    yield _step(_RETURN, _ERRNO | errno.EPERM)
    yield _step(_RETURN, _ALLOW)


def _step(code: int, value: int, *, skip_if_true: int = 0, skip_if_false: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, skip_if_true, skip_if_false, value)
