from federated.states import RoundState, TaskState
from federated.views import Event
from tests.webapp import sample
from webapp.charts import round_timeline
from webapp.feed_lines import averaged, feed_lines
from webapp.next_step import waits

SITES = {f"n{n}": f"clinic-{n}" for n in range(1, 9)}


def told(*events: tuple[str, int, str | None], **data: object) -> list[str]:
    """The lines of some events, given oldest first as kind, round and node."""
    written = [
        Event(
            id=place,
            at=place,
            run="r1",
            kind=kind,
            text=f"{kind}: told",
            data={"round": number, "node": node, **data},
        )
        for place, (kind, number, node) in enumerate(events)
    ]
    lines = feed_lines(written[::-1], SITES, lambda run, number: f"{run} round {number} done")
    return [line.told for line in lines]


def test_a_round_that_closed_is_one_line_and_what_went_wrong_another() -> None:
    assert told(
        ("round_open", 3, None),
        ("task_leased", 3, "n1"),
        ("task_leased", 3, "n2"),
        ("task_submitted", 3, "n1"),
        ("task_rejected", 3, "n2"),
        ("task_accepted", 3, "n1"),
        ("round_closed", 3, None),
        ("round_open", 4, None),
        ("task_leased", 4, "n2"),
    ) == [
        "Round 4 is under way: 1 began to train, 0 updates came in",
        "r1 round 3 done",
        "The update of clinic-2 for round 3 was rejected: told",
    ]


def test_sites_that_got_a_model_are_one_line() -> None:
    sent = [("model_sent", 7, f"n{n}") for n in range(1, 9)]
    (line,) = told(*sent, http_status=200)
    assert line.startswith(r"clinic\-8, clinic\-7, clinic\-6, clinic\-5".replace("\\-", "-"))
    assert "3 more" in line
    assert len(told(*sent, http_status=500)) == 8


def test_a_closed_round_is_told_with_its_sites_and_what_they_gained() -> None:
    tasks = [sample.training_run().tasks[0].model_copy(update={"node": n}) for n in "abc"]
    after = sample.round_(2, tasks=tasks)
    assert averaged(after, sample.round_(1)) == (
        "Round 2 averaged · 2 of 3 sites · AUC 0.76 → 0.81"
    )
    untested = after.model_copy(update={"evaluation": None})
    assert averaged(untested, None) == "Round 2 averaged · 2 of 3 sites"


def test_the_timeline_shows_each_site_in_its_phases() -> None:
    run = sample.training_run()
    round_ = sample.round_(
        2, state=RoundState.OPEN, tasks=run.tasks, updates=[], opened_at=sample.NOW - 10
    )
    moments = [
        Event(
            id=n, at=sample.NOW - at, run=run.id, kind=f"task_{kind}", text="", data={"task": task}
        )
        for n, (task, kind, at) in enumerate(
            [("t1", "leased", 8), ("t1", "training", 6), ("t2", "training", 7)]
        )
    ]
    chart = round_timeline(round_, moments, sample.NOW)
    assert chart.alt == (
        "The round was opened 10\u00a0s ago. Sites by phase: training 1, arrived, being checked 1."
    )
    spans = {(row[0], row[1]): (row[2], row[3]) for row in chart.table.values.tolist()}
    assert spans["site-1", "fetching"] == (2.0, 4.0)
    assert spans["site-1", "training"][0] == 4.0
    assert spans["site-2", "arrived, being checked"] == (9.0, 10.0)


def test_the_next_step_says_whom_a_round_waits_for_and_how_long() -> None:
    run = sample.training_run()
    facts = {"state": RoundState.OPEN, "updates": [], "deadline_at": sample.NOW + 240}
    round_ = sample.round_(2, tasks=run.tasks, **facts)
    assert waits(run, round_, sample.NOW) == (
        "Round 2 of 2: waiting for 2 of 2 sites, 4\u00a0min left."
    )
    done = [task.model_copy(update={"state": TaskState.ACCEPTED}) for task in run.tasks]
    assert waits(run, round_.model_copy(update={"tasks": done}), sample.NOW) is None
