"""A real child on a state folder of its own; its threads and processes start only when asked."""

import io
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import requests
from flask.testing import FlaskClient
from PIL import Image

from child.server import Child
from child.settings import Settings
from child.state_folder import StateFolder
from child.store.opening import open_database
from federated.messages import StudyPush, Task
from federated.plan import Plan, Privacy
from federated.signature import signature_of
from federated.study import Study
from federated.training import Training
from federated.wire import encode_weights
from tests.child.recording_master import RecordingMaster, recording_master

STUDY = Study(id="skin", name="Skin lesions", classes=("benign", "malignant"), size=12)
PLAN = Plan(privacy=Privacy(min_examples=3), training=Training(validation_fraction=0.25))


@dataclass
class Clock:
    """A clock that moves only when told, and a little at each look."""

    time: float = 1_000_000.0

    def __call__(self) -> float:
        self.time += 0.001
        return self.time


@dataclass
class Site:
    """A child, and what a test needs to speak to it as site or as master."""

    child: Child
    client: FlaskClient
    clock: Clock
    site: dict[str, str] = field(default_factory=dict)
    master: dict[str, str] = field(default_factory=dict)

    def push(self, value: float = 0.5) -> StudyPush:
        """Pushes the study and weights that are all `value`."""
        weights = {"dense/kernel": np.full((3, 2), value, np.float32)}
        blob = encode_weights(weights)
        push = study_push(blob, signature_of(weights))
        answer = self.client.put(
            "/api/v1/studies/skin", json=push.model_dump(mode="json"), headers=self.master
        )
        assert answer.status_code == 200, answer.text
        if answer.json["missing_blob"]:
            answer = self.client.put(
                f"/api/v1/weights/{push.weights}", data=blob, headers=self.master
            )
            assert answer.status_code == 200, answer.text
        return push

    def upload(self, *files: tuple[str, bytes], **form: str | Sequence[str]):
        """Uploads files by name and content."""
        return self.post("/api/v1/images", files, {"study": "skin", **form})

    def post(
        self, path: str, files: Sequence[tuple[str, bytes]], form: dict[str, str | Sequence[str]]
    ):
        """Posts a form as a browser would, with the site's token."""
        # Encoded by another library than the one that decodes it.
        parts = [("file", file) for file in files] or {"": ("", b"")}
        request = requests.Request("POST", "http://child", data=form, files=parts).prepare()
        headers = {**self.site, "Content-Type": request.headers["Content-Type"]}
        return self.client.post(path, data=request.body, headers=headers)


def study_push(blob: bytes, signature, plan: Plan = PLAN, **changes) -> StudyPush:
    import hashlib

    fields = {"study": STUDY, "plan": plan, "signature": signature, "run": None, "round": 0}
    return StudyPush(**{**fields, "weights": hashlib.sha256(blob).hexdigest(), **changes})


def task_of(push: StudyPush, task_id: str = "task-1", **changes) -> Task:
    fields = {
        "id": task_id,
        "run": "run-1",
        "study": push.study,
        "plan": push.plan,
        "round": 1,
        "base_round": 0,
        "weights": push.weights,
        "signature": push.signature,
        "seed": 7,
    }
    return Task(**{**fields, **changes})


def picture(seed: int, size: tuple[int, int] = (20, 16), **save) -> bytes:
    """A small picture of noise; `save` goes to Pillow, PNG by default."""
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, **{"format": "PNG", **save})
    return file.getvalue()


def named(count: int, start: int = 0) -> list[tuple[str, bytes]]:
    """Pictures with their class in the name: two benign ones for each malignant one."""
    numbers = range(start, start + count)
    return [
        (f"{'malignant' if number % 3 == 2 else 'benign'}_{number}.png", picture(number))
        for number in numbers
    ]


@pytest.fixture(scope="session")
def worker(tmp_path_factory):
    """A trainer process; one serves all tests, since TensorFlow takes seconds to load."""
    from tests.child.bench import trainer  # It takes its study from here.

    with trainer(tmp_path_factory.mktemp("trainer")) as worker:
        yield worker


@pytest.fixture(scope="session")
def initial(keras_runtime):
    """The initial model's blob and its signature."""
    from tests.child.bench import initial_model

    return initial_model()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables: made once, because migrations take a tenth of a second."""
    folder = StateFolder(tmp_path_factory.mktemp("template"))
    folder.make()
    open_database(folder).close()
    return folder.database


DatabaseOf = Callable[[StateFolder], str | None]
"""From a child's folder to the URL of its database; None for the one in the folder."""


@pytest.fixture
def database_of(empty_database: Path) -> DatabaseOf:
    """SQLite in the folder; the store's own tests take other kinds of databases too."""

    def in_folder(folder: StateFolder) -> None:
        if not folder.database.exists():
            shutil.copyfile(empty_database, folder.database)

    return in_folder


@pytest.fixture
def make_child(
    tmp_path: Path, clock: Clock, database_of: DatabaseOf
) -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def make(**changes) -> Child:
        fields = {
            "state": tmp_path / "state",
            "name": "site-1",
            "master": "http://127.0.0.1:9",
            "url": "auto",
            "join_token": "a-join-token",
            "port": 0,
            "min_examples": 1,
        }
        folder = StateFolder(changes.get("state", fields["state"]))
        folder.make()
        fields["database"] = database_of(folder)
        child = Child(Settings(**{**fields, **changes}), now=clock, rng=random.Random(1))
        children.append(child)
        return child

    yield make
    for child in children:
        child.close()


@pytest.fixture
def site(make_child: Callable[..., Child], clock: Clock) -> Site:
    """A child that answers, as yet without a study; neither started nor enrolled."""
    child = make_child()
    return Site(
        child,
        child.app.test_client(),
        clock,
        site={"Authorization": f"Bearer {child.tokens.mint('site')}"},
        master={"Authorization": f"Bearer {child.tokens.mint('master')}"},
    )


@pytest.fixture
def pushed(site: Site) -> Site:
    """The same, with the study and its weights."""
    site.push()
    return site


@pytest.fixture
def master() -> Iterator[RecordingMaster]:
    with recording_master() as recording:
        yield recording


@pytest.fixture
def enrolling(make_child: Callable[..., Child], clock: Clock, master: RecordingMaster) -> Site:
    """A child that can reach a recording master; nothing of it runs yet."""
    child = make_child(master=master.url, url="http://child.example")
    child.url = "http://child.example"
    return Site(
        child,
        child.app.test_client(),
        clock,
        site={"Authorization": f"Bearer {child.tokens.mint('site')}"},
        master={"Authorization": f"Bearer {child.tokens.mint('master')}"},
    )
