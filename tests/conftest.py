"""What more than one test folder asks for. Imports nothing heavy by itself."""

import gc
import signal

import pytest
from hypothesis import settings

# How long an example takes says how busy the computer is.
settings.register_profile("commonsight", deadline=None)
settings.load_profile("commonsight")

pytest_plugins = ["tests.postgres_server", "tests.databases", "tests.s3_server"]


LONGEST_FIRST = ("tests/e2e/", "tests/models/", "tests/test_project.py", "tests/child/")
"""Where files take longest: at the end, one process would work on one alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the files that take longest; the order within a file stays."""

    def place(item: pytest.Item) -> int:
        matches = (item.nodeid.startswith(folder) for folder in LONGEST_FIRST)
        return next((number for number, match in enumerate(matches) if match), len(LONGEST_FIRST))

    items.sort(key=place)


@pytest.fixture(scope="module", autouse=True)
def hangup_counts() -> None:
    """What is started here hears SIGHUP: under `nohup`, and after an engine that has stopped."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def keras_runtime() -> None:
    """Keras on TensorFlow in this process: imported once a session, and only when asked for."""
    from models import runtime

    runtime.configure(threads=1, deterministic=True)
    # What TensorFlow brings stays: without this, each of a page's collections looks at all of it.
    gc.freeze()
