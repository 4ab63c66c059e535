"""clamd and spamd for the statements of the page; `support.seed.site` runs a gate with them.

Gates that several topics need are shared, too.
"""

from collections.abc import Iterator

import pytest

from support.clamd import Clamd, running_clamd
from support.seed import Site, site
from support.spamd import Spamd, running_spamd

# The author's own settings.
SPAM = {"quarantine_above": 2.1, "delete_above": 4.2}


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:
    with running_clamd() as clamd:
        yield clamd


@pytest.fixture(scope="session")
def spamd() -> Iterator[Spamd]:
    """Required are 6.5 points; `X-Test-Score: 8.7` gives a message 8.7 of them."""
    with running_spamd() as spamd:
        yield spamd


@pytest.fixture(scope="session")
def rejecting_site(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    quiet = {"notices": {"notify": ["none"]}}
    with site(clamd, spamd, spam={**SPAM, "reject": True}, sections=quiet) as running:
        yield running


@pytest.fixture
def rejecting(rejecting_site: Site) -> Site:
    """Rejects over 10.7; its queue and quarantine are empty."""
    rejecting_site.clear()
    return rejecting_site


@pytest.fixture(scope="session")
def lower_site(clamd: Clamd) -> Iterator[Site]:
    quiet = {"notices": {"notify": ["none"]}}
    with (
        running_spamd("required_score 5.0\n") as other,
        site(clamd, other, spam=SPAM, sections=quiet) as running,
    ):
        yield running


@pytest.fixture
def lower(lower_site: Site) -> Site:
    """Another server, where 5 points are required; its queue and quarantine are empty."""
    lower_site.clear()
    return lower_site
