"""Read a file that anybody may have made in a process that can do nothing but compute, and pass on what it says.

The process is a fork without any file, with limits of processor time and memory. On Linux its system calls are
filtered: it can open no file, start no program and reach no network, whatever a damaged file makes of a decoder. What
it passes on is bytes, which are checked again (`network.unpacked`).
"""

import contextlib
import ctypes
import errno
import os
import platform
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import psutil

from digitrec.errors import ModelError
from digitrec.registry.importing import network, reading
from digitrec.registry.importing.network import Network

SECONDS = 5  # of processor time
WAITED = 60.0  # seconds on the clock: other work may have the processor
MEMORY = 2**30  # bytes beyond what the process has from the one it was forked from
LARGEST = 128 * 2**20  # bytes of the answer: 20 million weights are 80 MB
FILE_BYTES = 100 * 2**20
"""The largest file that is read: 20 million weights as float32 are 80 MB."""

OK, REFUSED = b"N", b"E"

TOO_LONG = f"Reading this file took longer than {SECONDS} s, so it was stopped. Import a smaller model."
TOO_MUCH = f"Reading this file takes more than {MEMORY // 2**30} GB of memory. Import a smaller model."
DAMAGED = "This file is damaged. Save the model again."
CRASHED = "This file is damaged: it could not be decoded. Save the model again."
NO_FORK = "Models can be imported on Linux and macOS only. Use one of these systems."

# Numbers of system calls: memory, the pipe, clocks, signals, the end. All others fail with EPERM.
_CALLS = {
    "x86_64": (0xC000003E, (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 39, 60, 96, 98, 131, 186, 201, 202,
                            204, 219, 228, 229, 231, 318, 334)),
    "aarch64": (0xC00000B7, (57, 62, 63, 64, 80, 93, 94, 98, 113, 114, 123, 124, 128, 132, 134, 135, 139, 165, 169,
                             172, 178, 214, 215, 216, 222, 226, 233, 278, 293)),
}  # fmt: skip


def read(data: bytes) -> Network:
    """Return the network in a file's bytes.

    Raises:
        ModelError: If it is too large, damaged, of another kind, or holds what is not supported.
    """
    if len(data) > FILE_BYTES:
        limit, received = FILE_BYTES // 2**20, len(data) // 2**20
        raise ModelError(f"A model file may have at most {limit} MB. Save it without the optimizer's state. Received: {received} MB")  # fmt: skip  # noqa: E501
    if not data:
        raise ModelError("This file is empty. Import a .keras, .h5, .tflite or .onnx file.")
    return network.unpacked(computed(lambda: network.packed(reading.read(data))))


def computed(work: Callable[[], bytes]) -> bytes:
    """Return what `work` returns, called in a process that can do nothing else.

    Raises:
        ModelError: If it raises one, takes too long or too much memory, or ends its process.
    """
    if not hasattr(os, "fork"):
        raise ModelError(NO_FORK)
    memory = MEMORY + _data()
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        _work(work, sender, memory)
    os.close(sender)
    try:
        answer = _received(receiver)
    finally:
        os.close(receiver)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if answer is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        raise ModelError(TOO_LONG)
    if answer[:1] == OK:
        return answer[1:]
    raise ModelError(answer[1:1000].decode(errors="replace") if answer[:1] == REFUSED else CRASHED)


def _data() -> int:
    """Return how many bytes of this process count for RLIMIT_DATA; a fork begins with as many."""
    return int(psutil.Process().memory_info().data) if sys.platform == "linux" else 0


def _received(receiver: int) -> bytes | None:
    """Return what comes through a pipe until it ends, or None where it takes too long."""
    parts: list[bytes] = []
    size, until = 0, time.monotonic() + WAITED
    while size <= LARGEST:
        ready, _, _ = select.select([receiver], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        part = os.read(receiver, 2**20)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return b""


def _work(work: Callable[[], bytes], sender: int, memory: int) -> NoReturn:
    """Do the work in this process, which is a fork, write its answer and end."""
    try:
        _give_up_everything(sender, memory)
        try:
            answer = OK + work()
        except ModelError as error:
            answer = REFUSED + str(error).encode(errors="replace")[:900]
        except MemoryError:
            answer = REFUSED + TOO_MUCH.encode()
        except Exception:  # a decoder that fails in a way of its own
            answer = REFUSED + DAMAGED.encode()
        for at in range(0, len(answer), 2**16):
            _write_all(sender, answer[at : at + 2**16])
    except BaseException:  # the parent has a sentence for a process that says nothing
        os._exit(1)
    os._exit(0)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _give_up_everything(sender: int, memory: int) -> None:
    """Close all files but the pipe, set the limits and filter the system calls; there is no way back."""
    import resource

    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.closerange(3, sender)
    os.closerange(sender + 1, max(256, min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[0])))
    for handled in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(handled, signal.SIG_DFL)
    limits = {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    if sys.platform == "linux":
        limits[resource.RLIMIT_DATA] = memory
    for what, limit in limits.items():
        resource.setrlimit(what, (limit, limit + 1))  # soft, hard: SIGXCPU comes before SIGKILL
    if sys.platform == "linux":
        _filter_calls()


def _filter_calls() -> None:
    """Have Linux refuse all system calls but those of _CALLS; where it cannot, the limits stay."""
    if platform.machine() not in _CALLS:
        return
    architecture, allowed = _CALLS[platform.machine()]
    code = b"".join(_program(architecture, allowed))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    new_privileges, seccomp, mode_filter = 38, 22, 2  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER
    if libc.prctl(new_privileges, 1, 0, 0, 0) == 0:
        libc.prctl(seccomp, mode_filter, ctypes.create_string_buffer(program, len(program)), 0, 0)


def _program(architecture: int, allowed: tuple[int, ...]) -> Iterator[bytes]:
    """Yield the filter's instructions: code, jump if true, jump if false, value; see Linux's `seccomp_filter`."""
    load, jump_if_equal, ret = 0x20, 0x15, 0x06
    allow, deny = 0x7FFF0000, 0x00050000 | errno.EPERM
    yield struct.pack("HBBI", load, 0, 0, 4)  # the architecture
    yield struct.pack("HBBI", jump_if_equal, 1, 0, architecture)
    yield struct.pack("HBBI", ret, 0, 0, deny)
    yield struct.pack("HBBI", load, 0, 0, 0)  # the call's number
    for number in allowed:
        yield struct.pack("HBBI", jump_if_equal, 0, 1, number)
        yield struct.pack("HBBI", ret, 0, 0, allow)
    yield struct.pack("HBBI", ret, 0, 0, deny)


_CODECS = "ascii cp437 latin-1 utf-8-sig utf-16 utf-16-be utf-16-le utf-32 utf-32-be utf-32-le"
for _codec in _CODECS.split():  # which decoders would look up on the disk when a file asks for them
    "".encode(_codec)
