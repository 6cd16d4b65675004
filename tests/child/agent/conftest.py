"""A child that nobody can call, and a master that it asks for work; no thread of it runs."""

import numpy as np
import pytest

from federated.signature import signature_of
from federated.wire import encode_weights
from tests.child.conftest import Site, study_push
from tests.child.pull_master import pull_master


@pytest.fixture
def asked():
    with pull_master() as master:
        yield master


@pytest.fixture
def make_pulling(make_child, clock, asked):
    """Makes children on one state folder: each is what the one before is after a restart."""

    def make(**changes):
        child = make_child(**{"master": asked.url, "url": None, **changes})
        site = {"Authorization": f"Bearer {child.tokens.mint('site')}"}
        return Site(child, child.app.test_client(), clock, site=site)

    return make


@pytest.fixture
def pulling(make_pulling):
    """The same, enrolled."""
    site = make_pulling()
    site.child.heartbeats.beat()
    return site


@pytest.fixture
def model(asked):
    """The push of a study whose weights lie at the master; each call makes others."""

    def make(value=0.5, count=2, **changes):
        weights = {"dense/kernel": np.full((3, count), value, np.float32)}
        blob = encode_weights(weights)
        asked.keep(blob)
        return study_push(blob, signature_of(weights), **changes)

    return make


def take(site):
    """Asks for a task, tells that it is here, and fetches its weights; the last pause."""
    return [site.child.pull.polling.step() for _ in range(3)][-1]
