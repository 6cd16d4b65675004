"""One federation for the tests that leave it as they found it."""

import pytest

from tests.e2e.running import SITES, running_federation


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """A master and two children that train with a single picture."""
    state = tmp_path_factory.mktemp("federation")
    with running_federation(state, SITES, child_options=("--demo",)) as federation:
        yield federation
