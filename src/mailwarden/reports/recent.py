"""What a log said lately: a memory of bounded size."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

# More messages than any server works on at once.
_REMEMBERED = 4_096


class Recent(Generic[Key, Value]):
    """The values last told; the oldest are forgotten."""

    def __init__(self) -> None:
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def swap(self, key: Key, value: Value) -> Value | None:
        """Remember a value; returns the one before it, where it is still known."""
        before = self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > _REMEMBERED:
            self._values.popitem(last=False)
        return before

    def forget(self, key: Key) -> None:
        """Forget a key, known or not."""
        self._values.pop(key, None)

    def __getitem__(self, key: Key) -> Value | None:
        return self._values.get(key)
