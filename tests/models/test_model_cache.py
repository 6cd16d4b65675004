"""Built models are kept by study and choice, the latest few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from federated.plan import ModelChoice
from tests.models.studies import a_study

if TYPE_CHECKING:
    from models.model_cache import ModelCache

WIDTHS = [ModelChoice(settings={"width": width}) for width in (4, 8, 12)]


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> ModelCache:
    from models import model_cache

    monkeypatch.setattr(model_cache, "build_model", lambda *_, **__: object())
    return model_cache.ModelCache(size=2)


def test_a_model_is_built_once(cache: ModelCache) -> None:
    model, built = cache.get(a_study(), WIDTHS[0])
    assert built
    assert cache.get(a_study(), WIDTHS[0]) == (model, False)
    assert cache.get(a_study(), WIDTHS[1])[1]


def test_the_least_recently_used_goes_first(cache: ModelCache) -> None:
    for choice in (WIDTHS[0], WIDTHS[1], WIDTHS[0], WIDTHS[2]):
        cache.get(a_study(), choice)
    assert not cache.get(a_study(), WIDTHS[0])[1]
    assert cache.get(a_study(), WIDTHS[1])[1]


def test_where_first_weights_come_from_does_not_matter_and_precision_does(
    cache: ModelCache,
) -> None:
    model, _ = cache.get(a_study(), WIDTHS[0])
    from_a_file = WIDTHS[0].model_copy(update={"weights": "lesions.safetensors"})
    assert cache.get(a_study(), from_a_file) == (model, False)
    assert cache.get(a_study(), WIDTHS[0], "mixed_bfloat16")[1]
