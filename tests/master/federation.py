"""A whole master on a temporary folder, stepped by hand, and children that live in the test."""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from safetensors.numpy import load

from federated.messages import StudyPush, Task
from federated.wire import UpdateDocument, encode_update
from master.api.application import create_master_app
from master.child_client import Answer, Child, Unreachable
from master.coordinator.coordinator import Coordinator
from master.metrics import Metrics
from master.polls import PollBoard
from master.presence import Presence
from master.services import Services
from master.settings import Settings
from master.state_folder import StateFolder, open_state
from master.store import tokens
from master.wakeup import Wakeup
from serving.state_folder import make_private
from tests.master.linear import LinearEvaluator

PUSH_TOKEN = "a push token of enough letters"


class Clock:
    """A clock that the test moves."""

    def __init__(self, time: float = 1_000_000.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time

    def tick(self, seconds: float) -> None:
        self.time += seconds


class InlineQueues:
    """Does each job at once, or keeps it until `release` where its key starts with a held one."""

    def __init__(self) -> None:
        self.held: tuple[str, ...] = ()
        self.waiting: dict[str, Callable[[], object]] = {}

    def submit(self, queue: str, key: str, job: Callable[[], object], priority: int = 0) -> None:
        if key.startswith(self.held) and self.held:
            self.waiting.setdefault(key, job)
        else:
            job()

    def release(self) -> None:
        self.held = ()
        waiting, self.waiting = self.waiting, {}
        for job in waiting.values():
            job()


@dataclass
class ChildInTest:
    """What stands at the HTTP border where a child would be."""

    name: str
    id: str
    token: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    pushes: list[StudyPush] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    away: bool = False
    refusal: Answer | None = None


class ChildClientInTest:
    """The master's side of that border: `master.child_client.ChildClient`."""

    def __init__(self) -> None:
        self.children: dict[str, ChildInTest] = {}
        self.calls: list[tuple[str, str, str]] = []

    def put_study(self, child: Child, push: StudyPush) -> Answer:
        there = self._called(child, "put_study")
        if there.refusal:
            return there.refusal
        there.pushes.append(push)
        missing = [sha256 for sha256 in push.blobs if sha256 not in there.blobs]
        return Answer(200, {"missing_blob": bool(missing), "missing": missing})

    def put_weights(self, child: Child, sha256: str, path: Path) -> Answer:
        self._called(child, "put_weights").blobs[sha256] = path.read_bytes()
        return Answer(200)

    def post_task(self, child: Child, task: Task) -> Answer:
        there = self._called(child, "post_task")
        if not set(task.blobs) <= set(there.blobs):
            return Answer(409, {"error": "missing_blob"})
        there.tasks.append(task)
        return Answer(202)

    def delete_task(self, child: Child, task_id: str) -> Answer:
        self._called(child, "delete_task").dropped.append(task_id)
        return Answer(204)

    def _called(self, child: Child, name: str) -> ChildInTest:
        there = self.children[child.name]
        self.calls.append((child.name, name, child.url))
        assert child.token == PUSH_TOKEN
        if there.away:
            raise Unreachable(f"Site {child.name} cannot be reached (no connection)")
        return there


@functools.cache
def empty_database() -> bytes:
    """A master's database with all tables; the migrations take longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        database, _ = open_state(Settings(state=Path(folder)))
        database.close()
        return StateFolder(Path(folder)).database.read_bytes()


class Federation:
    """A master under test.

    Args:
        state: Its folder; a second federation on the same folder is a restart.
    """

    def __init__(self, state: Path, clock: Clock, **settings: Any) -> None:
        self.clock = clock
        self.children = ChildClientInTest()
        self.evaluator = LinearEvaluator()
        self.queues, self.evaluation_queues = InlineQueues(), InlineQueues()
        self.settings = Settings(state=state, **settings)
        if not self.settings.database and not StateFolder(state).database.exists():
            make_private(state)
            StateFolder(state).database.write_bytes(empty_database())
        database, blobs = open_state(self.settings)
        polls, wakeup = PollBoard(self.settings.max_polls), Wakeup()
        presence = Presence(database, polls, wakeup, clock, every=self.settings.heartbeat_seconds)
        numbers = itertools.count(int(clock()) % 1000 * 1000)
        self.services = Services(
            settings=self.settings,
            state=StateFolder(state),
            database=database,
            blobs=blobs,
            evaluator=self.evaluator,
            children=self.children,
            wakeup=wakeup,
            polls=polls,
            presence=presence,
            metrics=Metrics(),
            now=clock,
            new_id=lambda: f"{next(numbers):012x}",
        )
        self.coordinator = Coordinator(
            self.services, "test", self.queues.submit, self.evaluation_queues.submit
        )
        self.coordinator.prepare()
        self.app = create_master_app(self.services)
        self.http: FlaskClient = self.app.test_client()
        with database.write() as session:
            self.operator = tokens.mint(session, "operator", clock())
            self.viewer = tokens.mint(session, "viewer", clock())

    def settle(self) -> float:
        """Steps until there is nothing more to do; returns when to look again."""
        for _ in range(200):
            self.services.wakeup.wait(0)
            again_at = self.coordinator.step()
            if not self.services.wakeup.pending:
                return again_at
        raise AssertionError("the coordinator does not come to rest")

    def call(self, method: str, path: str, token: str | None = None, **request: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.operator}"}
        address = f"/api/v1{path}"
        # Buffered, so that a file that is sent is closed again.
        return self.http.open(address, method=method, headers=headers, buffered=True, **request)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def post(self, path: str, document: Any = None, token: str | None = None) -> Any:
        answer = self.call("POST", path, token, json=document if document is not None else {})
        assert 200 <= answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    def study(self, **facts: Any) -> Any:
        """The study `skin` with its initial model."""
        body = {"name": "Skin", "classes": ["benign", "malignant"], "size": 8} | facts
        self.post("/studies", body)
        self.settle()
        return self.get("/studies/skin")

    def join(self, name: str, approve: bool = True, pull: bool = False) -> ChildInTest:
        token = self.post("/join-tokens", {"approve": approve})["token"]
        request = {"join_token": token, "name": name}
        if not pull:
            url = f"http://127.0.0.1:9{len(self.children.children)}"
            request |= {"url": url, "push_token": PUSH_TOKEN}
        enrolment = self.post("/nodes", request)
        child = ChildInTest(name, enrolment["node_id"], enrolment["token"])
        self.children.children[name] = child
        return child

    def site(
        self, name: str, labelled: int = 20, new_labelled: int = 0, pull: bool = False
    ) -> ChildInTest:
        """A site that takes part, has pictures, and holds the model."""
        child = self.join(name, pull=pull)
        self.beat(child, labelled, new_labelled)
        self.settle()
        return child

    def beat(
        self,
        child: ChildInTest,
        labelled: int = 20,
        new_labelled: int = 0,
        tasks: tuple[str, ...] = (),
        **facts: Any,
    ) -> Any:
        counts = {"benign": labelled // 2, "malignant": labelled - labelled // 2}
        held = child.pushes[-1].weights if child.pushes else None
        frozen = child.pushes[-1].frozen if child.pushes else None
        report = {"counts": counts, "new_labelled": new_labelled, "weights": held, "frozen": frozen}
        body = {"studies": {"skin": report}, "tasks": list(tasks), **facts}
        return self.post(f"/nodes/{child.id}/heartbeat", body, child.token)

    def poll(self, child: ChildInTest) -> Task | None:
        """What a site that asks for its work gets; it fetches the weights, and takes it."""
        answer = self.call("GET", "/tasks/next?wait=0", child.token)
        if answer.status_code == 204:
            return None
        task = Task.model_validate(answer.get_json())
        for sha256 in task.blobs:
            answer = self.call("GET", f"/weights/{sha256}", child.token)
            child.blobs[sha256] = answer.get_data()
        child.tasks.append(task)
        self.report(child, epoch=0)
        return task

    def report(self, child: ChildInTest, task: str | None = None, **progress: Any) -> Any:
        return self.post(f"/tasks/{task or child.tasks[-1].id}/progress", progress, child.token)

    def run(self, **plan: Any) -> str:
        """Starts a run and lets it come to where it waits."""
        run = self.post("/runs", {"study": "skin", "plan": plan})
        self.settle()
        return str(run["id"])

    def rounds(self, run: str) -> Any:
        """A run's rounds, as people see them."""
        return self.get(f"/runs/{run}/rounds")["rounds"]

    def last_round(self, run: str) -> Any:
        return self.rounds(run)[-1]

    def states(self, run: str) -> dict[str, str]:
        """How far each site's task is in the last round."""
        return {task["node_name"]: task["state"] for task in self.last_round(run)["tasks"]}

    def give_up(self, child: ChildInTest, detail: str = "The trainer ended.") -> None:
        """A child fails in its last task."""
        body = {"code": "trainer_died", "detail": detail}
        self.post(f"/tasks/{child.tasks[-1].id}/failure", body, child.token)
        self.settle()

    def deliver(self, child: ChildInTest, update: bytes, task: str | None = None) -> Any:
        path = f"/tasks/{task or child.tasks[-1].id}/update"
        kind = "application/x-safetensors"
        answer = self.call("PUT", path, child.token, data=update, content_type=kind)
        self.settle()
        return answer

    def weights(self, sha256: str) -> dict[str, np.ndarray]:
        """A blob, read by nobody's code but safetensors'."""
        return load((self.settings.state / "blobs" / sha256).read_bytes())


def trained(child: ChildInTest, shift: float, num_examples: int, **document: Any) -> bytes:
    """The update of a child's last task: every weight moved by `shift`."""
    task = child.tasks[-1]
    weights = {name: array + np.float32(shift) for name, array in base_of(child).items()}
    return update_of(task, weights, num_examples=num_examples, **document)


def base_of(child: ChildInTest) -> dict[str, np.ndarray]:
    return load(child.blobs[child.tasks[-1].weights])


def update_of(task: Task, weights: dict[str, np.ndarray], **facts: Any) -> bytes:
    document = {"task": task.id, "base": task.weights, "num_steps": 1} | facts
    return encode_update(weights, UpdateDocument.model_validate(document))
