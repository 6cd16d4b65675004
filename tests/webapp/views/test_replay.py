import numpy as np
import pytest

from federated.errors import InvalidInput
from federated.views import UpdateView
from federated.wire import UpdateDocument, encode_update, encode_weights
from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.sample.runs import round_
from tests.webapp.scripted import Script, ok
from webapp.lesson.replay import AFTER, BEFORE, Replay, ReplayRound, ReplayRun, opened, written
from webapp.lesson.seen import enlarged, feature_map, in_colours
from webapp.replay_source import RECORDING, recording
from webapp.views.replay import most_changed
from webapp.words import figure


def test_the_recording_is_small_and_its_mean_is_that_of_the_sites() -> None:
    assert RECORDING.stat().st_size < 300_000
    replay = recording()
    (kernel,) = replay.run.kernels
    for number in range(1, replay.run.rounds + 1):
        updates = replay.round(number).updates
        assert sum(update.share or 0 for update in updates) == pytest.approx(1)
        assert len({update.num_examples for update in updates}) == 3
        returned = [replay.read(number, update.node, kernel) for update in updates]
        mean = sum(
            (update.share or 0) * array
            for update, array in zip(updates, returned, strict=True)
            if array is not None
        )
        after = replay.read(number, AFTER, kernel)
        assert after is not None
        np.testing.assert_allclose(after, mean, atol=1e-6)
        following = replay.read(number + 1, BEFORE, kernel)
        assert following is None or (following == after).all()


def test_the_page_replays_the_recording(open_app: Open) -> None:
    app = open_app("replay", "classroom", round="3", filter="5", channel="1")
    assert not app.exception
    assert not app.error
    after = recording().read(3, AFTER, "conv1/kernel")
    assert after is not None
    told = shown(app)
    assert f"has **{figure(float(after[2, 2, 1, 5]), 4)}** there" in told
    assert "362 pictures, counts 75.4 %" in told
    assert "Filter 6 is a small square" in told
    assert not [caption for caption in app.caption if caption.value.startswith("From -0.3")]
    app.selectbox(key="choice-look").set_value("numbers").run()
    assert app.query_params["look"] == "numbers"
    assert [caption for caption in app.caption if caption.value.startswith("From −0.")]
    app.select_slider(key="choice-round").set_value("8").run()
    assert app.query_params["round"] == "8"
    assert "8 / 8" in shown(app)


def test_a_run_at_the_master(open_app: Open, master: Script) -> None:
    one, two = "d4" * 32, "e5" * 32
    arrays = {name: np.full((3, 3, 3, 2), value, np.float32) for name, value in VALUES.items()}
    for name, array in arrays.items():
        if name in sample.HASHES:
            master[f"GET weights/{name}"] = ok(encode_weights({"conv1/kernel": array}))
    updates = [update("site-1", one, 1.0, 0.75), update("site-2", two, 4.0, 0.25)]
    for told, content in updates:
        master[f"GET weights/{told.sha256}"] = ok(content)
    gone = round_(2).model_copy(update={"updates": [updates[0][0].model_copy(update=AWAY)]})
    views = {1: round_(1).model_copy(update={"updates": [told for told, _ in updates]}), 2: gone}
    for number, view in views.items():
        master[f"GET runs/{sample.RUN}/rounds/{number}"] = ok(view)
    app = open_app("replay", "demo", replayed=sample.RUN, round="1", look="numbers")
    assert not app.exception
    assert not app.error
    told_all = shown(app)
    # 0.75 · 1 + 0.25 · 4, and what the master made of it.
    assert "adds up to 1.7500" in told_all
    assert "has **1.7500** there; before the round it was 0.5000" in told_all
    # The update of the second round is no longer kept: the page says what there still is.
    app.select_slider(key="choice-round").set_value("2").run()
    assert not app.exception
    assert not app.error
    assert "2 / 2" in shown(app)


VALUES = dict(zip(sample.HASHES, (0.5, 1.75, 3.0), strict=True))
AWAY = {"sha256": "f6" * 32}


def update(node: str, sha256: str, value: float, share: float) -> tuple[UpdateView, bytes]:
    document = UpdateDocument(task="t", base=sample.HASHES[0], num_examples=3, num_steps=1)
    weights = {"conv1/kernel": np.full((3, 3, 3, 2), value, np.float32)}
    view = (
        round_(1)
        .updates[0]
        .model_copy(update={"node_name": node, "sha256": sha256, "share": share})
    )
    return view, encode_update(weights, document)


def test_the_filter_that_learnt_most_comes_first() -> None:
    run = ReplayRun(model="m", strategy="mean", rounds=3, kernels={"c/kernel": (1, 1, 1, 3)})
    seen = {(1, BEFORE): np.array([[[[1.0, 2.0, 3.0]]]]), (3, AFTER): np.array([[[[1.5, 0.5, 3]]]])}
    told = ReplayRound(number=1, updates=())
    replay = Replay(run, lambda _: told, lambda number, who, _: seen.get((number, who)))
    assert most_changed(replay, "c/kernel") == 1
    seen.clear()
    assert most_changed(replay, "c/kernel") == 0


def test_a_filter_slid_over_a_picture() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[1, 2] = 255
    kernel = np.zeros((2, 2, 3), np.float32)
    kernel[0, 1] = 1
    # All is −1 but one pixel of three channels at +1: −3 everywhere, +3 where it lies at (0, 1).
    found = feature_map(picture, kernel, 0.5)
    expected = np.zeros((3, 3))
    expected[1, 1] = 3.5
    np.testing.assert_allclose(found, expected)


def test_numbers_in_colours() -> None:
    colours = in_colours(np.array([[-2.0, 0.0, 1.0]]), 2.0)
    assert colours[0, 0].tolist() == [0, 114, 178]
    assert colours[0, 1].tolist() == [246, 244, 240]
    assert enlarged(colours, 6).shape == (2, 6, 3)


def test_a_file_from_a_stranger_is_refused() -> None:
    with pytest.raises(InvalidInput):
        opened(b"PK\x03\x04 no recording at all")
    told = ReplayRound(number=1, updates=())
    run = ReplayRun(model="m", strategy="fedavg", rounds=1, kernels={"c/kernel": (2, 2, 3, 1)})
    wrong = np.full((2, 2, 3, 2), 1.0)
    replay = Replay(run, lambda _: told, lambda *_: wrong)
    with pytest.raises(InvalidInput):
        opened(written(replay, "c/kernel", np.zeros((2, 2, 3), np.uint8)))
