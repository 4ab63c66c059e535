"""What is there of a piece; `test_making` shows it on pieces that are made and spoilt."""

from pathlib import Path

import pytest

from mailwarden.installation.inspection import State, inspect
from mailwarden.installation.machine import Machine
from mailwarden.installation.pieces import Folder, Rights


@pytest.mark.parametrize(
    ("state", "needs_making"),
    [
        (State(), False),
        (State(is_missing=True), True),
        (State(wrong=("mode 0777, not 0700",)), True),
        (State(kept=("was changed here",)), False),
    ],
)
def test_only_what_is_missing_or_wrong_is_made(state: State, needs_making: bool) -> None:
    assert state.needs_making is needs_making


def test_looking_changes_nothing_even_where_a_parent_is_missing(tmp_path: Path) -> None:
    folder = Folder(Path("/var/lib/mailwarden"), Rights("root", "root", 0o700))
    assert inspect(folder, Machine(tmp_path)).is_missing
    assert list(tmp_path.iterdir()) == []
