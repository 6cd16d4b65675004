import numpy as np
import pytest

from engines.simulation.errors import NotSimulated
from engines.simulation.laboratory import Laboratory
from engines.simulation.pictures import Picture
from engines.simulation.rounds import RUN, Rounds
from engines.simulation.simulation import model_at, simulate
from engines.simulation.site import site_of
from engines.simulation.site_training import Seen
from engines.simulation.workers import Workers
from federated.errors import NotEnoughUpdates
from federated.messages import ModelBlobs
from federated.plan import Plan, Privacy, RandomSets, Sampling, StrategyChoice
from federated.signature import signature_of
from federated.study import Study
from federated.training import Training
from federated.wire import encode_weights
from serving.blobs import BlobStore, StoredTensors

STUDY = Study(id="colours", name="Colours", classes=("blue", "red"), size=16)


def pictures(start, blue, red):
    labels = ["blue"] * blue + ["red"] * red
    return [
        Picture(sha256=f"{start + k:064x}", label=label, row=start + k)
        for k, label in enumerate(labels)
    ]


SITES = (
    site_of("b", pictures(0, 6, 6)),
    site_of("a", pictures(20, 2, 3)),
    site_of("c", pictures(40, 8, 7)),
)


@pytest.fixture
def laboratory(tmp_path):
    """None of its workers is ever started."""
    return Laboratory(STUDY, tmp_path / "pixels.u8", Workers(1, 1, tmp_path), tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (Plan(strategy=StrategyChoice(name="fedasync")), "fedasync depends on how long"),
        (Plan(data=RandomSets(kind="random", url="/srv/x", images=3)), "batch server"),
        (Plan(cross_site=True), "measured at the other sites"),
    ],
)
def test_what_depends_on_servers_is_not_simulated(laboratory, plan, sentence):
    with pytest.raises(NotSimulated, match=sentence):
        simulate(laboratory, plan, SITES)


def test_sites_with_too_few_pictures_take_no_part(laboratory):
    plan = Plan(privacy=Privacy(min_examples=6), training=Training(validation_fraction=0))
    slots = Rounds(laboratory, plan, SITES, lambda count: None)._slots(1)
    assert [slot.site.name for slot in slots] == ["b", "c"]


def test_a_round_without_enough_sites_says_why(laboratory):
    plan = Plan(privacy=Privacy(min_examples=13), quorum=2)
    with pytest.raises(NotEnoughUpdates, match=r"(?s)Expected 2.*a: too few.*b: too few"):
        Rounds(laboratory, plan, SITES, lambda count: None)._slots(3)


def test_each_round_draws_as_the_master_does(laboratory):
    plan = Plan(privacy=Privacy(min_examples=1), sampling=Sampling(fraction=0.3), seed=4)
    rounds = Rounds(laboratory, plan, SITES, lambda count: None)
    drawn = [tuple(slot.site.name for slot in rounds._slots(number)) for number in range(1, 9)]
    assert {len(names) for names in drawn} == {1}
    assert len(set(drawn)) > 1
    assert len({rounds._slots(number)[0].seed for number in range(1, 9)}) == 8


def test_progress_adds_up_to_the_pictures_of_all_epochs():
    told = []
    seen = Seen(30, 2, told.append)
    seen.hear({"epoch": 1, "epochs": 2, "step": 1, "steps": 2})
    seen.hear({"epoch": 2, "epochs": 2, "step": 1, "steps": 2})
    seen.finish()
    assert told == [15, 30, 15]


def test_a_site_that_keeps_its_statistics_puts_them_on(laboratory):
    everyones = {"norm/gamma": np.full(2, 3.0, np.float32), "norm/moving_mean": np.zeros(2, "f4")}
    own = {"norm/moving_mean": np.array([0.25, 0.5], np.float32)}
    blobs = BlobStore(laboratory.folder / "blobs")
    model = ModelBlobs(
        weights=blobs.put(encode_weights(everyones)), signature=signature_of(everyones)
    )
    draft = laboratory.folder / "draft"
    draft.write_bytes(encode_weights(own))
    laboratory.statistics_of("a").keep(RUN, draft)

    at_a = StoredTensors(blobs.path(model_at(laboratory, model, "a").weights))
    assert at_a.get_tensor("norm/moving_mean").tolist() == [0.25, 0.5]
    assert at_a.get_tensor("norm/gamma").tolist() == [3, 3]
    assert model_at(laboratory, model, "b") == model
