"""The master's REST interface, as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from federated.plan import Plan
from federated.states import NodeState
from federated.statistics import WeightStatistics
from federated.values import Message
from federated.views import (
    Comparison,
    CourseView,
    CrossSiteView,
    Event,
    ModelsView,
    NodeHistory,
    NodeView,
    PairedView,
    PlanCheck,
    PlanView,
    Rewards,
    RoundCredits,
    RoundStatistics,
    RoundView,
    RunView,
    SearchView,
    Standing,
    StudyView,
    SystemView,
    WeightChanges,
)
from webapp.api.connection import KEEP_SECONDS, LONG_SECONDS, Connection, parse
from webapp.api.evaluation import Evaluation
from webapp.api.feed import EventFeed
from webapp.api.shared import parse_once

NEWEST_ENTRIES = 200
"""Entries of the ledger that a page shows."""

SLOW = 6.0
"""How long answers are kept that cost much or change seldom."""

NODES_SECONDS = 4.0
"""How long the list of sites is kept: long with many sites, and they tell little news."""

SETTLED_SECONDS = 30.0
"""How long answers about what no longer changes are kept."""

CHECKED_SECONDS = 5.0
"""How long the master's word on a plan is kept: a page asks at every click."""

NEWEST = 10**16
"""A number that no event has yet."""

CHECK_SECONDS = 30.0
"""How long that word may take: the master asks the batch server first."""


class Nodes(Message):
    """`GET /nodes`."""

    nodes: list[NodeView]


class Studies(Message):
    """`GET /studies`."""

    studies: list[StudyView]


class Runs(Message):
    """`GET /runs`, newest first."""

    runs: list[RunView]


class Events(Message):
    """`GET /events`, in order."""

    events: list[Event]


class Plans(Message):
    """`GET /plans`."""

    plans: list[PlanView]


class JoinToken(Message):
    """`POST /join-tokens`: a single-use token for a new site."""

    token: str
    expires_at: float


class MasterApi:
    """The calls that the web app makes at the master; each may raise `ApiError`."""

    def __init__(self, connection: Connection) -> None:
        """Calls go through `connection`."""
        self.connection = connection
        self._feed = EventFeed(self._events, self._last_events)

    def nodes(self) -> list[NodeView]:
        """Every site that enrolled."""
        return parse_once(Nodes, self.connection.get("nodes", keep_seconds=NODES_SECONDS)).nodes

    def node_history(self, node: str) -> NodeHistory:
        """What a site has taken part in."""
        return parse_once(NodeHistory, self.connection.get(f"nodes/{node}/history"))

    def system(self) -> SystemView:
        """The master itself: health, disk, settings in force, log."""
        return parse_once(SystemView, self.connection.get("system", keep_seconds=CHECKED_SECONDS))

    def studies(self) -> list[StudyView]:
        """Every study, with its current model."""
        return parse_once(Studies, self.connection.get("studies", keep_seconds=SLOW)).studies

    def plans(self) -> list[PlanView]:
        """The ready-made plans."""
        return parse_once(Plans, self.connection.get("plans", keep_seconds=SETTLED_SECONDS)).plans

    def models(self) -> ModelsView:
        """The architectures that a plan may name."""
        return parse_once(ModelsView, self.connection.get("models", keep_seconds=SETTLED_SECONDS))

    def runs(self) -> list[RunView]:
        """Every run, newest first."""
        return parse_once(Runs, self.connection.get("runs")).runs

    def run(self, run: str) -> RunView:
        """One run, with the tasks of the round under way."""
        return parse_once(RunView, self.connection.get(f"runs/{run}"))

    def course(self, run: str, *, settled: bool = False) -> CourseView:
        """How a run went, round by round and site by site.

        Args:
            run: The run.
            settled: Whether it has been over for a while: little of it still changes.
        """
        keep_seconds = SETTLED_SECONDS if settled else KEEP_SECONDS
        content = self.connection.get(f"runs/{run}/course", keep_seconds=keep_seconds)
        return parse_once(CourseView, content)

    def changes(self, run: str) -> WeightChanges:
        """How far each tensor moved in each round."""
        content = self.connection.get(f"runs/{run}/changes", read_seconds=CHECK_SECONDS)
        return parse_once(WeightChanges, content)

    def paired(self, study: str, runs: Sequence[str]) -> PairedView:
        """The last models of some runs on the same test pictures, the reference first."""
        content = self.connection.get(
            f"studies/{study}/paired",
            {"runs": ",".join(runs)},
            keep_seconds=SETTLED_SECONDS,
            read_seconds=LONG_SECONDS,
        )
        return parse_once(PairedView, content)

    def run_events(self, run: str, before: int = NEWEST) -> list[Event]:
        """The last hundred events of a run ahead of one, newest first."""
        found = parse_once(Events, self.connection.get(f"runs/{run}/events", {"before": before}))
        return found.events[::-1]

    def statistics(self, run: str, number: int) -> RoundStatistics:
        """Statistics of the global weights before and after a round."""
        return parse_once(
            RoundStatistics, self.connection.get(f"runs/{run}/statistics", {"round": number})
        )

    def weights_statistics(self, study: str, weights: str) -> WeightStatistics:
        """Statistics of the weights with that hash, which never change."""
        path = f"weights/{weights}/statistics"
        content = self.connection.get(path, {"study": study}, keep_seconds=SETTLED_SECONDS)
        return parse_once(WeightStatistics, content)

    def evaluation(self, run: str, number: int) -> Evaluation:
        """The evaluation of the weights that a round made."""
        return parse_once(
            Evaluation, self.connection.get(f"runs/{run}/evaluation", {"round": number})
        )

    def comparison(self, study: str, runs: Sequence[str] = ()) -> Comparison:
        """Runs of a study beside one another; the newest where none are named."""
        parameters = {"runs": ",".join(runs)} if runs else None
        return parse_once(
            Comparison, self.connection.get(f"studies/{study}/comparison", parameters)
        )

    def cross_site(self, run: str) -> CrossSiteView:
        """Each site's last model of a run on each other site's validation pictures."""
        return parse_once(CrossSiteView, self.connection.get(f"runs/{run}/cross-site"))

    def search(self, run: str) -> SearchView:
        """What a run that searches has tried, and what came of it."""
        return parse_once(SearchView, self.connection.get(f"runs/{run}/search"))

    def rewards(self) -> Rewards:
        """Leaderboard, trend and the newest entries of the ledger, of all runs."""
        content = self.connection.get("rewards", {"entries": NEWEST_ENTRIES}, keep_seconds=SLOW)
        return parse_once(Rewards, content)

    def round_credits(self, run: str, number: int) -> RoundCredits | None:
        """How the credits of one round arose; None where it has none."""
        asked = {"round": number, "entries": 0}
        content = self.connection.get(f"runs/{run}/rewards", asked, keep_seconds=SLOW)
        # An older master tells all rounds of the run.
        rounds = parse_once(Rewards, content).rounds
        return next((one for one in rounds if one.round == number), None)

    def leaderboard(self, run: str) -> list[Standing]:
        """What each site has earned in one run, without how each credit arose."""
        asked = {"round": 0, "entries": 0}
        content = self.connection.get(f"runs/{run}/rewards", asked, keep_seconds=SLOW)
        return parse_once(Rewards, content).leaderboard

    def newest_events(self, count: int) -> list[Event]:
        """The last `count` events, newest first."""
        return self._feed.newest(count)

    def _last_events(self, count: int) -> list[Event]:
        return parse_once(Events, self.connection.get("events", {"newest": count})).events

    def _events(self, after: int) -> list[Event]:
        return parse_once(Events, self.connection.get("events", {"after": after})).events

    def keras_file(self, study: str, run: str | None, number: int) -> bytes:
        """A whole `.keras` file: of a round, or of the study's current model without a run."""
        path = f"runs/{run}/model" if run else f"studies/{study}/model"
        parameters = {"round": number} if run else None
        return self.connection.get(path, parameters, keep_seconds=0, read_seconds=LONG_SECONDS)

    def history_file(self, run: str) -> bytes:
        """The run's history as CSV: a row for each round and site."""
        return self.connection.get(f"runs/{run}/history.csv", keep_seconds=0)

    def round(self, run: str, number: int) -> RoundView:
        """One round, with its tasks and updates."""
        return parse_once(RoundView, self.connection.get(f"runs/{run}/rounds/{number}"))

    def closed_round(self, run: str, number: int) -> RoundView:
        """A round that is over: little of it still changes."""
        content = self.connection.get(f"runs/{run}/rounds/{number}", keep_seconds=SETTLED_SECONDS)
        return parse_once(RoundView, content)

    def check_plan(self, study: str, plan: Plan) -> PlanCheck:
        """What the master would say to a run of `study` under `plan`; nothing is started."""
        question = {"study": study, "plan": plan.model_dump(mode="json")}
        content = self.connection.ask(
            "plans/check", question, keep_seconds=CHECKED_SECONDS, read_seconds=CHECK_SECONDS
        )
        return parse_once(PlanCheck, content)

    def start_run(self, study: str, plan: Plan) -> RunView:
        """Starts a run of `study` under `plan`."""
        body = {"study": study, "plan": plan.model_dump(mode="json")}
        content = self.connection.change("POST", "runs", json=body, read_seconds=CHECK_SECONDS)
        return parse(RunView, content)

    def steer(self, run: str, action: str) -> None:
        """Does `pause`, `resume` or `stop` to a run."""
        self.connection.change("POST", f"runs/{run}/{action}")

    def set_node_state(self, node: str, state: NodeState) -> None:
        """Approves or suspends a site."""
        self.connection.change("PATCH", f"nodes/{node}", json={"state": str(state)})

    def join_token(self, *, approve: bool) -> JoinToken:
        """Mints a single-use token; with `approve`, who uses it need not wait for approval."""
        body = {"approve": approve}
        return parse(JoinToken, self.connection.change("POST", "join-tokens", json=body))
