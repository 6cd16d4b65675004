from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.master.federation import Clock, Federation


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def federation(tmp_path: Path, clock: Clock) -> Iterator[Federation]:
    federation = Federation(tmp_path / "state", clock)
    yield federation
    federation.services.database.close()
