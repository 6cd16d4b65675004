"""What more than one test folder asks for. Imports nothing heavy by itself."""

import pytest

pytest_plugins = ["tests.postgres_server", "tests.databases", "tests.s3_server"]


@pytest.fixture(scope="session")
def keras_runtime() -> None:
    """Keras on TensorFlow in this process: imported once a session, and only when asked for."""
    from models import runtime

    runtime.configure(threads=1, deterministic=True)
