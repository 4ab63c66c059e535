"""What the papers name exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "bench/README.md"])
# `tests/x/test_y.py`, `docs/`, `bench/queue_bench.py`: places that begin with one of our folders.
PLACE = re.compile(r"`((?:bench|client|docs|packaging|requirements|src|tests)/[\w./*-]*)`")
# Places inside the package are named without `src/mailwarden/`.
MODULE = re.compile(
    r"`((?:cli|daemon|fronts|installation|logs|message|migrate|net|notify|pipeline|quarantine|reports"
    r"|sandbox|settings|store|unpack|verdict|wire)/[\w./-]+\.py)`"
)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_every_place_that_a_paper_names_is_there(paper: Path) -> None:
    text = paper.read_text()
    places = [ROOT / place for place in PLACE.findall(text)]
    places += [ROOT / "src/mailwarden" / module for module in MODULE.findall(text)]
    assert [str(place) for place in places if not any(place.parent.glob(place.name))] == []


def test_the_papers_name_places_at_all() -> None:
    assert len(PLACE.findall((ROOT / "ARCHITECTURE.md").read_text())) > 10
