"""The calls that the engine makes: small clients of master and child."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests

from engines.processes.errors import CallFailed
from federated.plan import Plan
from federated.study import Study
from federated.views import (
    ChildStatus,
    CrossSiteView,
    Event,
    NodeView,
    PlanView,
    RoundView,
    RunView,
    StudyView,
    UploadView,
)

TIMEOUT_SECONDS = 60.0
UPLOAD_TIMEOUT_SECONDS = 600.0

Files = Sequence[tuple[str, bytes]]
"""Names and bytes of picture files."""


class Api:
    """A server's REST interface under one token, over connections that stay open.

    Args:
        url: The server's base address.
        token: Shown with every call.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._session = requests.Session()
        # Servers of this machine are never behind a proxy of the environment.
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(
        self, method: str, path: str, *, timeout: float = TIMEOUT_SECONDS, **arguments: Any
    ) -> requests.Response:
        """One call under `/api/v1`.

        Raises:
            CallFailed: There was no answer, or the answer is an error.
        """
        try:
            response = self._session.request(
                method, f"{self.url}/api/v1{path}", timeout=timeout, **arguments
            )
        except requests.RequestException as error:
            raise CallFailed(f"{self.url} does not answer ({type(error).__name__})") from error
        if not response.ok:
            raise _refusal(response)
        return response

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON that a GET answers."""
        return self.call("GET", path, params=parameters).json()

    def post(self, path: str, document: object) -> Any:
        """The JSON that a POST of JSON answers."""
        return self.call("POST", path, json=document).json()

    def upload(
        self, path: str, files: Files, fields: Mapping[str, str | Sequence[str]]
    ) -> list[UploadView]:
        """Sends picture files as one multipart body.

        Args:
            path: Where to.
            files: What.
            fields: The form's other fields; one with several values is sent as often.

        Returns:
            What the server made of each file, those that it refused too.
        """
        parts = [("file", (name, data, "application/octet-stream")) for name, data in files]
        try:
            answer = self.call(
                "POST", path, files=parts, data=fields, timeout=UPLOAD_TIMEOUT_SECONDS
            ).json()
        except CallFailed as error:
            if "images" not in error.answer:
                raise
            answer = error.answer
        return [UploadView.model_validate(image) for image in answer["images"]]

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()


class Master(Api):
    """The master, as its operator calls it."""

    def join_token(self, *, approve: bool) -> str:
        """A single-use token with which a child enrols."""
        return str(self.post("/join-tokens", {"approve": approve})["token"])

    def nodes(self) -> list[NodeView]:
        """All nodes."""
        return [NodeView.model_validate(node) for node in self.get("/nodes")["nodes"]]

    def studies(self) -> list[StudyView]:
        """All studies."""
        return [StudyView.model_validate(study) for study in self.get("/studies")["studies"]]

    def study(self, study: str) -> StudyView:
        """One study."""
        return StudyView.model_validate(self.get(f"/studies/{study}"))

    def create_study(self, study: Study, plan: Plan | None = None) -> StudyView:
        """A new study; without a plan it gets the master's default plan."""
        document = study.model_dump(mode="json")
        if plan is not None:
            document["plan"] = plan.model_dump(mode="json")
        return StudyView.model_validate(self.post("/studies", document))

    def add_pictures(self, study: str, files: Files, label: str, part: str) -> list[UploadView]:
        """Gives the master public pictures of its own, for `audit` or `test`."""
        return self.upload(f"/studies/{study}/images", files, {"label": label, "part": part})

    def plans(self) -> list[PlanView]:
        """The ready-made plans."""
        return [PlanView.model_validate(plan) for plan in self.get("/plans")["plans"]]

    def start_run(self, study: str, plan: Plan) -> RunView:
        """A new run."""
        document = {"study": study, "plan": plan.model_dump(mode="json")}
        return RunView.model_validate(self.post("/runs", document))

    def run(self, run: str) -> RunView:
        """One run."""
        return RunView.model_validate(self.get(f"/runs/{run}"))

    def rounds(self, run: str) -> list[RoundView]:
        """The rounds of a run, by number."""
        answer = self.get(f"/runs/{run}/rounds")["rounds"]
        rounds = [RoundView.model_validate(one) for one in answer]
        return sorted(rounds, key=lambda one: one.number)

    def evaluation(self, run: str, round_number: int) -> dict[str, Any]:
        """The whole evaluation of the weights that a round made."""
        answer: dict[str, Any] = self.get(f"/runs/{run}/evaluation", round=round_number)
        return answer

    def cross_site(self, run: str) -> CrossSiteView:
        """Each site's last model of a run on each other site's validation pictures."""
        return CrossSiteView.model_validate(self.get(f"/runs/{run}/cross-site"))

    def events(self, run: str) -> list[Event]:
        """What happened in a run, in order."""
        return [Event.model_validate(event) for event in self.get(f"/runs/{run}/events")["events"]]


class Child(Api):
    """A child, as its own site calls it."""

    def status(self) -> ChildStatus:
        """What the child does and holds."""
        return ChildStatus.model_validate(self.get("/status"))

    def add_pictures(
        self, study: str, files: Files, label: str | None, groups: Sequence[str] = ()
    ) -> list[UploadView]:
        """Puts pictures into the site's own store.

        Args:
            study: Id of the study.
            files: The pictures.
            label: Their class; None to read it from each file's name.
            groups: For each file a word for what it was taken from; none where each is alone.
        """
        fields: dict[str, str | Sequence[str]] = {"study": study, "group": groups}
        return self.upload("/images", files, fields | ({"label": label} if label else {}))


def _refusal(response: requests.Response) -> CallFailed:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "detail" not in answer:
        sentence = f"{response.url} answered with status {response.status_code}"
        return CallFailed(sentence, status=response.status_code)
    return CallFailed(
        str(answer["detail"]).removesuffix("."),
        status=response.status_code,
        code=str(answer.get("error", "call_failed")),
        answer=answer,
    )
