import numpy as np
import pytest

from federated.errors import InvalidInput
from tests.webapp.conftest import Open, shown
from webapp.lesson.replay import AFTER, BEFORE, Replay, ReplayRound, ReplayRun, opened, written
from webapp.lesson.seen import enlarged, feature_map, in_colours
from webapp.replay_source import RECORDING, recording
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
    assert [caption for caption in app.caption if caption.value.startswith("From -0.")]
    app.select_slider(key="choice-round").set_value("8").run()
    assert app.query_params["round"] == "8"
    assert "8 / 8" in shown(app)


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
