"""What more than one test folder asks for. Imports nothing heavy by itself."""

import pytest

pytest_plugins = ["tests.postgres_server", "tests.databases", "tests.s3_server"]


@pytest.fixture(scope="session")
def keras_runtime() -> None:
    """Keras on TensorFlow in this process: imported once a session, and only when asked for."""
    from models import runtime

    runtime.configure(threads=1, deterministic=True)


def pytest_collection_modifyitems(items):
    """What starts whole federations stays in one process; the rest fills the other meanwhile."""
    for item in items:
        path = item.path.as_posix()
        if "tests/e2e/" in path:
            item.add_marker(pytest.mark.xdist_group("e2e"))
        else:
            # A file a group: its fixtures, TensorFlow among them, are made once.
            item.add_marker(pytest.mark.xdist_group(path))
