"""Something tried in a process of its own, for what cannot be undone."""

import os
from collections.abc import Callable


def in_fork(attempt: Callable[[], object]) -> str:
    """What came of it: `done`, or the error's name and number."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, _outcome(attempt).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="ascii") as told:
        outcome = told.read()
    os.waitpid(child, 0)
    return outcome


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return "done"
