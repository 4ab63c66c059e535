"""A message's bytes in a memfd, as the scanners' tests hand them over."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class BytesPayload:
    """A `ports.scanner.Payload` over `octets`; close it, or use it as a context manager."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._descriptor = os.memfd_create("payload", os.MFD_CLOEXEC)
        with open(self._descriptor, "wb", closefd=False) as file:
            file.write(octets)

    @property
    def size_bytes(self) -> int:
        return len(self._octets)

    @contextmanager
    def lend(self) -> Iterator[int]:
        yield self._descriptor

    def chunk(self, start: int, size: int) -> bytes:
        return self._octets[start : start + size]

    def close(self) -> None:
        """Close the memfd; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
