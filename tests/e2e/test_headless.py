"""`./run_all.sh train` as its user sees it: a command, a table, a file."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engines.processes.dataset import deal_out, read_dataset
from engines.processes.servers import ROOT, cores, server_environment
from engines.simulation.laboratory import Laboratory
from engines.simulation.pictures import decoded
from engines.simulation.simulation import simulate
from engines.simulation.site import site_of
from engines.simulation.workers import Workers
from federated.plan import Plan
from federated.study import Study
from tests.e2e.averaging import assert_averaged, read_blob, weighted_mean
from tests.e2e.pictures import write_dataset

SHARED_DATA = ROOT.parent / "shared" / "data"
TIMEOUT = 300


def train(*arguments):
    return subprocess.run(
        [ROOT / "run_all.sh", "train", *map(str, arguments)],
        env=server_environment(os.environ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = write_dataset(
        tmp_path_factory.mktemp("data") / "tiny colours", {"blue": 31, "red": 46}, test=7
    )
    # Some are of one patient, two of each class or three of one; the others are each alone.
    patients = {f"{label}.{number}.png": f"patient {number // 2}"
                for label in ("blue", "red") for number in range(8)}  # fmt: skip
    patients |= {f"red.{number}.png": f"patient {number // 3}" for number in range(30, 42)}
    rows = [f"{name},{patient}" for name, patient in patients.items()]
    (folder / "labels.csv").write_text("\n".join(["file,patient", *rows]))
    return folder


@pytest.fixture(scope="module")
def first(data, tmp_path_factory):
    """One training with unequal sites: its folder, its output and its results."""
    folder = tmp_path_factory.mktemp("first")
    return folder, *_trained(data, folder, "--state", folder / "state")


def _trained(data, folder, *arguments):
    result = train(
        *("--data", data, "--rounds", 2, "--epochs", 1, "--size", 16, "--batch-size", 8),
        *("--partition", "dirichlet:2", "--seed", 8),
        *("--out", folder / "out.json", *arguments),
    )
    assert result.returncode == 0, result.stderr
    return result, json.loads((folder / "out.json").read_text())


def test_every_round_is_the_mean_of_its_updates_weighted_by_examples(first):
    folder, _, document = first
    assert len(document["rounds"]) == 2
    for one in document["rounds"]:
        counts = [update["num_examples"] for update in one["updates"]]
        assert len(counts) == 2
        assert counts[0] != counts[1]
        assert_averaged(
            folder / "state",
            one["weights_before"],
            one["weights_after"],
            [(update["num_examples"], update["sha256"]) for update in one["updates"]],
        )


def test_a_mean_that_forgets_the_examples_is_another_one(first):
    folder, _, document = first
    one = document["rounds"][0]
    blobs = [read_blob(folder / "state", update["sha256"]) for update in one["updates"]]
    unweighted = weighted_mean([(1, blob) for blob in blobs])
    after = read_blob(folder / "state", one["weights_after"])
    assert any(abs(after[name] - unweighted[name]).max() > 1e-5 for name in after)


def test_rounds_follow_one_another(first):
    _, _, document = first
    one, two = document["rounds"]
    assert one["weights_after"] == two["weights_before"]
    assert len({one["weights_before"], one["weights_after"], two["weights_after"]}) == 3


def test_the_file_says_what_was_done_and_what_came_of_it(first):
    folder, _, document = first
    assert document["state"] == str(folder / "state")
    assert document["study"]["classes"] == ["blue", "red"]
    assert document["plan"]["rounds"] == 2
    assert document["plan"]["seed"] == 8
    assert document["seconds"] > 0
    for one in document["rounds"]:
        assert {update["node"] for update in one["updates"]} == {"site-1", "site-2"}
        assert all(update["status"] == "accepted" for update in one["updates"])
        assert all({"loss", "accuracy"} <= set(update["metrics"]) for update in one["updates"])
        assert one["evaluation"]["accuracy"] is not None
    assert document["evaluation"]["num_examples"] == 14


def test_every_picture_is_at_one_site_and_some_are_kept_for_validation(first):
    _, _, document = first
    for one in document["rounds"]:
        used = sum(
            update["num_examples"] + update["metrics"].get("val_examples", 0)
            for update in one["updates"]
        )
        assert used == 31 + 46


def test_the_tables_are_printed(first):
    _, result, document = first
    lines = result.stdout.splitlines()
    assert lines[0].split()[:4] == ["round", "seconds", "site", "status"]
    rows = [line.split() for line in lines if "site-2" in line]
    expected = [
        str(update["num_examples"])
        for one in document["rounds"]
        for update in one["updates"]
        if update["node"] == "site-2"
    ]
    assert [row[4] for row in rows] == expected


@pytest.fixture(scope="module")
def second(data, tmp_path_factory):
    """The same training again, without a place for the state."""
    folder = tmp_path_factory.mktemp("second")
    return folder, *_trained(data, folder)


def test_the_same_seed_in_a_fresh_state_gives_the_same_weights(first, second):
    (_, _, document), (_, _, again) = first, second
    assert [one["weights_after"] for one in again["rounds"]] == [
        one["weights_after"] for one in document["rounds"]
    ]


def test_the_simulation_comes_to_the_same_weights_without_servers(data, first, tmp_path):
    _, _, document = first
    study = Study.model_validate(document["study"])
    plan = Plan.model_validate(document["plan"])
    dealt = deal_out(read_dataset(data), ("site-1", "site-2"), "dirichlet:2", plan.seed)
    found = [one for own in dealt.values() for one in own]
    pixels, pictures = decoded(found, study, tmp_path / "pictures")
    kept = dict(zip(found, pictures, strict=True))
    sites = [site_of(name, (kept[one] for one in own)) for name, own in dealt.items()]
    assert all(site.groups for site in sites)
    with Workers(2, max(1, cores() // 2), tmp_path) as workers:
        laboratory = Laboratory(study, pixels, workers, tmp_path / "run", tmp_path)
        simulated = simulate(laboratory, plan, sites).rounds
    assert [(one.weights_before, one.weights_after) for one in simulated] == [
        (one["weights_before"], one["weights_after"]) for one in document["rounds"]
    ]
    for one, real in zip(simulated, document["rounds"], strict=True):
        assert {update.node: update.share for update in one.updates} == {
            update["node"]: update["share"] for update in real["updates"]
        }


def test_the_blobs_that_the_file_names_are_kept_beside_it(second):
    folder, result, document = second
    assert document["state"] == str(folder / "out.json.state")
    assert document["state"] in result.stderr
    for one in document["rounds"]:
        assert read_blob(Path(document["state"]), one["weights_after"])
        for update in one["updates"]:
            assert read_blob(Path(document["state"]), update["sha256"])


def test_no_process_and_no_secret_for_others_is_left(first):
    folder, _, _ = first
    assert not (folder / "state" / "processes.json").exists()
    for place in (folder / "state").rglob("*"):
        if place.parent.name in ("tokens", "secrets") and place.is_file():
            assert place.stat().st_mode & 0o077 == 0, place


def test_a_training_that_no_site_can_take_part_in_says_why(tmp_path):
    data = write_dataset(tmp_path / "few", {"blue": 3, "red": 3}, test=2)
    result = train(
        *("--data", data, "--rounds", 1, "--size", 16, "--out", tmp_path / "out.json"),
        *("--state", tmp_path / "state"),
    )
    assert result.returncode == 1
    assert "site-1" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out.json").exists()


def test_real_lesions_are_trained_on(tmp_path):
    source = SHARED_DATA / "skin_binary"
    if not source.is_dir():
        pytest.skip("../shared/data/skin_binary is missing: real lesions are not tried")
    # Fewer than ten a site: the demo's plan is made for that.
    data = _subset(source, tmp_path / "skin_binary", train=8, test=10)
    result = train(
        *("--data", data, "--rounds", 1, "--epochs", 1, "--size", 32, "--preset", "demo"),
        *("--state", tmp_path / "state", "--out", tmp_path / "out.json"),
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((tmp_path / "out.json").read_text())
    (one,) = document["rounds"]
    assert all(0 < update["num_examples"] < 10 for update in one["updates"])
    assert len(one["updates"]) == 2
    assert_averaged(
        tmp_path / "state",
        one["weights_before"],
        one["weights_after"],
        [(update["num_examples"], update["sha256"]) for update in one["updates"]],
    )
    assert document["evaluation"]["num_examples"] == 20


def _subset(source: Path, target: Path, **counts: int) -> Path:
    for part, count in counts.items():
        for folder in sorted((source / part).iterdir()):
            (target / part / folder.name).mkdir(parents=True)
            for path in sorted(folder.iterdir())[:count]:
                shutil.copyfile(path, target / part / folder.name / path.name)
    return target
