import datetime

import pytest

from child.admission import Admission, is_open
from child.store.plans import KEPT_UNDECIDED
from federated.errors import Conflict, NotFound
from federated.views import Hours, Limits
from tests.child.api.test_push import PUSH
from tests.child.conftest import task_of

TASK = task_of(PUSH)
NAME = TASK.plan.sha256


@pytest.fixture
def admission(site):
    noon = datetime.time(12, 30)
    return Admission(site.child.participation, site.child.plans, lambda: noon)


@pytest.mark.parametrize(
    ("opens", "closes", "at", "expected"),
    [
        ("08:00", "17:30", "08:00", True),
        ("08:00", "17:30", "17:30", False),
        ("08:00", "17:30", "07:59", False),
        ("22:00", "06:00", "23:15", True),
        ("22:00", "06:00", "05:59", True),
        ("22:00", "06:00", "12:00", False),
    ],
)
def test_hours_may_go_on_past_midnight(opens, closes, at, expected):
    hours = Hours(opens=opens, closes=closes)
    assert is_open(hours, datetime.time.fromisoformat(at)) is expected


def test_a_site_that_chose_nothing_takes_every_task(admission):
    assert admission.barred(TASK) is None
    admission.check(TASK)


def test_a_site_that_asks_waits_for_its_people(admission):
    admission.participation.approve_by("ask")
    assert admission.barred(TASK).code == "plan_undecided"
    admission.plans.met(TASK)
    assert admission.barred(TASK).code == "plan_undecided"
    admission.plans.decide(NAME, "approved")
    assert admission.barred(TASK) is None
    admission.plans.met(TASK)
    assert admission.plans.decision(NAME) == "approved"


def test_a_declined_plan_stays_declined_though_nobody_is_asked(admission):
    admission.plans.met(TASK)
    admission.plans.decide(NAME, "declined")
    assert admission.participation.approval() == "automatic"
    with pytest.raises(Conflict, match="declined this plan") as caught:
        admission.check(TASK)
    assert caught.value.code == "plan_declined"


def test_outside_the_hours_nothing_begins_and_what_has_begun_goes_on(admission):
    admission.participation.limit(Limits(hours=Hours(opens="22:00", closes="06:00"), threads=2))
    assert admission.barred(TASK).code == "outside_hours"
    assert admission.unwanted(TASK) is None
    assert admission.participation.limits().threads == 2


def test_a_plan_that_never_came_cannot_be_decided_on(admission):
    with pytest.raises(NotFound, match="knows no such plan"):
        admission.plans.decide("ab" * 32, "approved")


def test_undecided_plans_are_bounded_and_decisions_outlast_them(admission):
    admission.plans.met(TASK)
    admission.plans.decide(NAME, "approved")
    for seed in range(KEPT_UNDECIDED + 3):
        plan = TASK.plan.model_copy(update={"seed": seed + 100})
        admission.plans.met(TASK.model_copy(update={"plan": plan}))
    kept = admission.plans.latest(1000)
    assert len(kept) == KEPT_UNDECIDED + 1
    assert NAME in {one.sha256 for one in kept}
