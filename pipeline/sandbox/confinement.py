"""What a child may not do: Linux's Landlock and seccomp, and limits that every Unix has.

Both are called through ctypes: their interfaces are a few numbers of the kernel that never change,
and the libraries for them want a system package. Neither needs a privilege, both hold in a
container. Where one is missing the other still holds, and `confine` returns what does.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

# Landlock: numbers of its system calls (the same on every machine) and of its rights.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_VERSION = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
#: Rights over files that each version of Landlock knows, all of which are refused.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK_RIGHTS = 0b11
_SCOPES = 0b11
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6

#: System calls that reading needs never, on x86-64 and on 64-bit ARM.
_DENIED = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "personality": (135, 92),
    "quotactl": (179, 60),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
#: Answered as if the kernel did not know it, so that the C library uses ``clone``.
_CLONE3 = (435, 435)
_CLONE = (56, 220)
_TGKILL = (234, 131)
_PRLIMIT64 = (302, 261)
_CLONE_THREAD = 0x00010000
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LIBC = ctypes.CDLL(None, use_errno=True)


def end_with_parent() -> None:
    """Let the kernel kill this process when the one that started it has ended."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def confine(*, readable: Iterable[Path], writable: Path, written_bytes: int) -> tuple[str, ...]:
    """Give up, for good, everything that reading files does not need.

    Args:
        readable: Files and folders that may be read; others may not even be opened.
        writable: The only folder that may be written.
        written_bytes: Largest file that may be written.

    Returns:
        What holds, in words for the log; less on systems that lack a part.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (written_bytes, written_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    holds = ["files and their size"]
    if sys.platform != "linux":
        return (*holds, "no confinement by the system")
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return tuple(holds)
    if _restrict_files(readable, writable):
        holds.append("only its own files (Landlock)")
    if _filter_calls():
        holds.append("no network and no other process (seccomp)")
    return tuple(holds)


def _restrict_files(readable: Iterable[Path], writable: Path) -> bool:
    version = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    rights = max(value for since, value in _FILE_RIGHTS.items() if since <= version)
    attributes = [rights]
    if version >= _NETWORK_SINCE:
        attributes.append(_NETWORK_RIGHTS)
    if version >= _SCOPES_SINCE:
        attributes.append(_SCOPES)
    packed = struct.pack(f"{len(attributes)}Q", *attributes)
    ruleset = _LIBC.syscall(_CREATE_RULESET, packed, ctypes.c_size_t(len(packed)), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        _allow(ruleset, writable, rights)
        return bool(_LIBC.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what does not exist needs no right
    try:
        if not path.is_dir():
            rights &= _READ_FILE
        rule = struct.pack("=Qi", rights, place)
        _LIBC.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(place)


def _filter_calls() -> bool:
    found = _MACHINES.get(platform.machine())
    if found is None:
        return False
    column, architecture = found
    program = _program(column, architecture)
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    filter_ = ctypes.create_string_buffer(head, len(head))
    return _LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_, 0, 0) == 0


# The filter is a program of the kernel's packet filter: load a word, compare, jump, return.
_LOAD, _EQUALS, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NOT_PERMITTED, _UNKNOWN_CALL = 0x00050000 | 1, 0x00050000 | 38
_CALL_AT, _ARCHITECTURE_AT, _ARGUMENT_AT = 0, 4, 16
#: x86-64 has a second set of numbers for the same calls, from here on.
_X32 = 0x40000000


def _step(code: int, value: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, jump_true, jump_false, value)


def _program(column: int, architecture: int) -> bytes:
    steps = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_EQUALS, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _CALL_AT),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _NOT_PERMITTED),
    ]
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            steps += [_step(_EQUALS, number, 0, 1), _step(_RETURN, _NOT_PERMITTED)]
    steps += [_step(_EQUALS, _CLONE3[column], 0, 1), _step(_RETURN, _UNKNOWN_CALL)]
    # threads yes, processes no
    steps += [
        _step(_EQUALS, _CLONE[column], 0, 4),
        _step(_LOAD, _ARGUMENT_AT),
        _step(_ANY_BIT, _CLONE_THREAD, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _NOT_PERMITTED),
    ]
    # signals to itself, as abort() sends them, and limits of itself
    for call, own in ((_TGKILL[column], os.getpid()), (_PRLIMIT64[column], 0)):
        steps += [
            _step(_EQUALS, call, 0, 4),
            _step(_LOAD, _ARGUMENT_AT),
            _step(_EQUALS, own, 0, 1),
            _step(_RETURN, _ALLOW),
            _step(_RETURN, _NOT_PERMITTED),
        ]
    steps.append(_step(_RETURN, _ALLOW))
    return b"".join(steps)
