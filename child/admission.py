"""Which tasks this site takes part in now, as its people have chosen, and why not others."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from child.store.participation import ParticipationStore
from child.store.plans import PlanStore
from federated.errors import Conflict
from federated.messages import Failure, Task
from federated.views import Hours

PAUSED = Failure(code="paused", detail="This site has paused its participation.")
DECLINED = Failure(code="plan_declined", detail="The site's people have declined this plan.")
UNDECIDED = Failure(
    code="plan_undecided",
    detail="The site's people have not approved this plan yet; they are asked before it trains.",
)
CLOSED = Failure(
    code="outside_hours", detail="This site trains at certain hours only, and now is none of them."
)


@dataclass(frozen=True, slots=True)
class Admission:
    """What decides on a task, before it begins and whenever the site's people change something.

    Attributes:
        clock: The time of day where the site is.
    """

    participation: ParticipationStore
    plans: PlanStore
    clock: Callable[[], datetime.time]

    def open(self) -> bool:
        """Whether a task may begin now, as far as the hours go."""
        return is_open(self.participation.limits().hours, self.clock())

    def unwanted(self, task: Task) -> Failure | None:
        """Why this site does not go on with a task; None where it does."""
        if self.participation.paused():
            return PAUSED
        decision = self.plans.decision(task.plan.sha256)
        if decision == "declined":
            return DECLINED
        asks = self.participation.approval() == "ask"
        return UNDECIDED if asks and decision == "undecided" else None

    def barred(self, task: Task) -> Failure | None:
        """Why a task may not begin now; None where it may."""
        return self.unwanted(task) or (None if self.open() else CLOSED)

    def check(self, task: Task) -> None:
        """Lets a task begin.

        Raises:
            Conflict: It may not now.
        """
        if failure := self.barred(task):
            raise Conflict(failure.detail.removesuffix("."), code=failure.code)


def is_open(hours: Hours | None, at: datetime.time) -> bool:
    """Whether a time of day is within hours that may go on past midnight."""
    if hours is None:
        return True
    opens, closes = (datetime.time.fromisoformat(one) for one in (hours.opens, hours.closes))
    if opens < closes:
        return opens <= at < closes
    return at >= opens or at < closes
