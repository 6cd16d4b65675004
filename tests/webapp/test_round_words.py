import pytest

from federated.messages import Progress
from federated.plan import Plan, StrategyChoice
from federated.states import RoundState, RunState, TaskState
from federated.views import ExcludedNode, RoundView, RunView, TaskView
from tests.webapp import sample
from webapp.round_words import behind, course, left_out, listed, task_facts, task_line
from webapp.words import clock

NOW = sample.NOW
AT = clock(NOW + 42)
WITHOUT_WAITING = Plan(rounds=9, strategy=StrategyChoice(name="fedbuff", settings={"buffer": 5}))


def task(site: str, state: TaskState = TaskState.TRAINING, **changes: object) -> TaskView:
    first = sample.training_run().tasks[0]
    facts = {"node_name": site, "state": state, "progress": None, **changes}
    return first.model_copy(update=facts)


def open_round(*tasks: TaskView, updates: int = 0, **changes: object) -> RoundView:
    came = [sample.update(f"site-{place}", 2, 10, 0.1) for place in range(updates)]
    facts = {"state": RoundState.OPEN, "deadline_at": NOW + 42, "quorum": 3, "target": 4}
    return sample.round_(2, **facts | {"tasks": list(tasks), "updates": came, **changes})


def run(state: RunState = RunState.RUNNING, plan: Plan = sample.PLAN, **changes: object) -> RunView:
    return sample.run(state=state, plan=plan, finished_at=None, **changes)


SILENT = task("b", TaskState.QUEUED, lost=True, reason="not heard of for 60\u00a0s")


@pytest.mark.parametrize(
    ("round_", "says"),
    [
        (
            open_round(task("b"), task("a"), updates=2),
            "Updates in: 2 of the 3 that are needed. The round waits for b and a. "
            f"If fewer than 3 are in at {AT}, in 42\u00a0s, the round is extended once.",
        ),
        (
            open_round(SILENT, updates=2, extended=True),
            "Updates in: 2 of the 3 that are needed. The round waits for b to be heard of again. "
            f"The round was extended once. If fewer than 3 are in at {AT}, in 42\u00a0s, it fails.",
        ),
        (
            open_round(SILENT, task("c"), updates=3),
            "Updates in: 3, and 3 needed. The round waits for c. "
            f"It closes at {AT} at the latest, in 42\u00a0s.",
        ),
        (open_round(state=RoundState.AGGREGATING), "The updates are being averaged."),
        (sample.round_(1), "The next round is about to open."),
        (sample.round_(2), ""),
    ],
)
def test_a_round_says_what_came_who_is_waited_for_and_until_when(
    round_: RoundView, says: str
) -> None:
    assert course(run(), round_, NOW) == says


def test_a_round_that_waits_for_sites_says_nothing_of_the_next() -> None:
    assert course(run(reason="waiting for sites: 1 of 2"), sample.round_(1), NOW) == ""


def test_without_waiting_nobody_is_waited_for() -> None:
    round_ = open_round(task("a"), updates=1, quorum=1, target=5)
    said = course(run(plan=WITHOUT_WAITING), round_, NOW)
    assert said.startswith("Updates in: 1 of the 5 that make the next version. It closes at")


@pytest.mark.parametrize(
    ("plan", "round_", "tasks", "says"),
    [
        (sample.PLAN, open_round(updates=1), [], "After that the run pauses."),
        (WITHOUT_WAITING, open_round(updates=1), [], "what comes is still taken in"),
        (WITHOUT_WAITING, sample.round_(1), [task("a")], "counts when the run is resumed"),
        (sample.PLAN, sample.round_(1), [], "The next one opens when the run is resumed."),
    ],
)
def test_a_paused_run_says_what_still_happens(
    plan: Plan, round_: RoundView, tasks: list[TaskView], says: str
) -> None:
    said = course(run(RunState.PAUSED, plan, tasks=tasks), round_, NOW)
    assert said.endswith(f"{says}." if not says.endswith(".") else says)


def test_the_sites_that_a_round_does_without_are_named_with_the_reason() -> None:
    assert left_out(open_round()) == r"Not in this round: site-3 \(has no pictures\)."
    assert left_out(open_round(excluded=[])) == ""
    assert left_out(open_round(task("site-3", node="node-c"))) == ""
    many = [ExcludedNode(node=n, node_name=n, reason="away") for n in "abcdefg"]
    assert left_out(open_round(excluded=many)).endswith(r"e \(away\) and 2 more.")


def test_names_make_a_list() -> None:
    assert listed("a") == "a"
    assert listed("abc") == "a, b and c"
    assert listed("abcdef") == "a, b, c, d, e and one more"


def test_the_age_of_a_task_grows_until_it_counts() -> None:
    early = task("a", base_round=2)
    assert behind(early, sample.round_(6, state=RoundState.OPEN), WITHOUT_WAITING) == 3
    # A version is made, and the next round is not open yet.
    assert behind(early, sample.round_(6), WITHOUT_WAITING) == 4
    counted = task("a", TaskState.ACCEPTED, base_round=2, staleness=1)
    assert behind(counted, sample.round_(6), WITHOUT_WAITING) == 1
    # Where all wait for one another, what is left over is of no age.
    assert behind(early, sample.round_(6), sample.PLAN) == 0


def test_only_what_is_out_of_the_ordinary_is_a_fact() -> None:
    assert task_facts(task("a")) == ""
    second = task("a", attempt=2, batch="36cbe1d9" + 56 * "0")
    assert task_facts(second, 1) == "1 version behind · batch 36cbe1d9 · attempt 2"
    assert task_facts(task("a"), 4) == "4 versions behind"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (task("a", TaskState.QUEUED), "Waits until the site takes it"),
        (task("a", TaskState.LEASED), "The site gets ready"),
        (
            task("a", TaskState.LEASED, progress=Progress(note="reading *batch* 1 of 2")),
            r"Reading \*batch\* 1 of 2",
        ),
        (
            task("a", progress=Progress(epoch=2, epochs=4, loss=0.41, accuracy=0.83)),
            "Epoch 2 of 4 · loss 0.410 · accuracy 83.0\u00a0%",
        ),
        (task("a", TaskState.SUBMITTED, progress=Progress(epoch=2, epochs=4)), "Received"),
        (task("a", TaskState.FAILED, reason="no memory left"), "No memory left"),
        (SILENT, "Not heard of for 60\u00a0s. Its work waits for it."),
    ],
)
def test_a_task_says_what_it_does_or_what_became_of_it(told: TaskView, says: str) -> None:
    assert task_line(told, [told]).startswith(says)


def test_a_silent_site_is_told_who_does_its_batch() -> None:
    batch = 64 * "b"
    silent = SILENT.model_copy(update={"batch": batch})
    failed = task("x", TaskState.FAILED, batch=batch, attempt=2)
    other = task("c", batch=batch, attempt=3)
    elsewhere = task("d", batch=64 * "e")
    said = task_line(silent, [silent, failed, other, elsewhere])
    assert said.endswith("The same work is done at c, and the first answer counts.")
    assert task_line(silent, [silent, failed]).endswith("Its work waits for it.")
