import re
from collections.abc import Callable

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from federated.plan import StrategyChoice
from federated.states import RoundState, TaskState
from tests.webapp import evaluated, sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import Script, ScriptedServers, ok
from webapp.desk import shared_desk
from webapp.views.results_weights import per_tensor


def class_table(app: AppTest) -> pd.DataFrame:
    (found,) = [table.value for table in app.table if "Specificity" in table.value]
    # As people read it, without what keeps Markdown from reading it otherwise.
    return found.map(lambda cell: str(cell).replace("\\", ""))


def test_run_and_round_come_from_the_address(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("results", tab="model", run=sample.RUN, round="1")
    assert app.selectbox(key="choice-round").value == "1"
    (call,) = servers.made("GET", f"runs/{sample.RUN}/statistics")
    assert call.query == {"round": "1"}


def test_without_an_address_the_newest_closed_round_is_shown(
    open_app: Open, master: Script
) -> None:
    opened = sample.round_(
        2, state=RoundState.OPEN, weights_after=None, updates=[], evaluation=None
    )
    master.update(sample.rounds_told([sample.round_(1), opened]))
    assert open_app("results", tab="sites").selectbox(key="choice-round").value == "1"


def test_an_open_round_has_no_model_to_test(open_app: Open, master: Script) -> None:
    opened = sample.round_(1, state=RoundState.OPEN, weights_after=None, updates=[])
    master.update(sample.rounds_told([opened]))
    assert "no new model to test" in shown(open_app("results", tab="evaluation"))
    assert "No update has come in" in shown(open_app("results", tab="sites"))
    assert "No update has come in" in shown(open_app("results", tab="audit"))


def test_a_rejected_update_shows_why_and_counts_nothing(open_app: Open, master: Script) -> None:
    audit = sample.update("site-1", 1, 15, 0.25).audit
    assert audit is not None
    verdict = audit.model_copy(update={"verdict": "rejected", "reasons": ("Not finite.",)})
    bad = sample.update("site-1", 1, 15, 0.25).model_copy(
        update={"status": "rejected", "share": None, "credits": None, "audit": verdict}
    )
    good = sample.update("site-2", 1, 45, 1.0)
    master.update(sample.rounds_told([sample.round_(1, updates=[bad, good])]))
    app = open_app("results", tab="sites")
    table = app.table[0].value
    assert list(table["Status"]) == ["× rejected", "✓ accepted"]
    assert list(table["Weight in the mean"]) == ["–", "100.0\u00a0%"]
    cards = open_app("results", tab="audit")
    assert "1 of 2 updates count." in shown(cards)
    # What did not count comes first.
    assert [card.value for card in cards.subheader] == ["site-1", "site-2"]
    assert "Not finite." in shown(cards)


def test_training_and_validation_figures_stand_apart(open_app: Open) -> None:
    table = open_app("results", tab="sites").table[1].value
    assert list(table["Accuracy, training"]) == ["82.0\u00a0%", "82.0\u00a0%"]
    assert list(table["Accuracy"]) == ["76.0\u00a0%", "78.0\u00a0%"]
    assert list(table["Balanced accuracy"]) == ["70.0\u00a0%", "70.0\u00a0%"]


def test_what_one_site_alone_can_tell_is_a_gap_at_the_others(open_app: Open) -> None:
    table = open_app("results", tab="sites").table[1].value
    assert list(table["AUC"]) == ["–", "0.780"]
    # What no site can tell has no column.
    assert "Found at 90\u00a0% specificity" not in table


def test_one_figure_of_every_site_is_shown_over_the_rounds(open_app: Open) -> None:
    app = open_app("results", tab="sites")
    assert app.selectbox(key="choice-measure").value == "auc"
    app.selectbox(key="choice-measure").set_value("f1").run()
    assert app.query_params["measure"] == "f1"
    assert "F1 on the sites' own validation pictures" in shown(app)


def test_sites_that_measure_nothing_have_no_chart(open_app: Open, master: Script) -> None:
    silent = sample.update("site-1", 1, 15, 0.25).model_copy(update={"metrics": {"loss": 0.5}})
    master.update(sample.rounds_told([sample.round_(1, updates=[silent])]))
    assert "Site by site" not in shown(open_app("results", tab="sites"))


def test_how_sure_the_figures_are_stands_below_them(open_app: Open) -> None:
    metrics = open_app("results", tab="evaluation").metric
    aucs = [(metric.value, metric.delta) for metric in metrics if metric.label == "AUC"]
    assert aucs == [
        ("0.810", "95\u00a0%: 0.75\u2060–\u20600.87"),
        ("0.810", "95\u00a0%: 0.69\u2060–\u20600.91"),
    ]


def test_a_clinician_reads_how_much_is_found(open_app: Open) -> None:
    told = shown(open_app("results", tab="evaluation"))
    assert "the model finds 55 % \\(41–72 %\\) of what is malignant." in told
    assert "where it would lie in 95 of 100 test sets" in told


def test_class_by_class_figures_carry_their_intervals(open_app: Open) -> None:
    table = class_table(open_app("results", tab="evaluation"))
    assert list(table["Recall"]) == [
        "80\u00a0% (53\u2060–\u206086)",
        "70\u00a0% (53\u2060–\u206086)",
    ]
    assert list(table["Specificity"]) == ["70\u00a0%", "80\u00a0%"]
    assert list(table["Found at 90\u00a0% specificity"]) == ["–", "55\u00a0% (41\u2060–\u206072)"]


def test_what_cannot_be_told_of_a_class_has_its_reason(open_app: Open, master: Script) -> None:
    body = {"round": 2, "test": evaluated.without_last_class(), "audit": None, "note": None}
    master[f"GET runs/{sample.RUN}/evaluation"] = ok(body)
    app = open_app("results", tab="evaluation")
    assert not app.exception
    assert class_table(app)["Recall"].iloc[-1] == "–"
    told = shown(app)
    assert "Not told: There is no example of this class (vasc)." in told.replace("\\", "")
    assert "there are none of vasc" in told


def test_an_evaluation_of_an_earlier_version_is_shown(open_app: Open, master: Script) -> None:
    body = {"round": 2, "test": evaluated.earlier_report(), "audit": None, "note": None}
    master[f"GET runs/{sample.RUN}/evaluation"] = ok(body)
    app = open_app("results", tab="evaluation")
    assert not app.error
    told = shown(app)
    assert "made by a version that did not measure it" in told
    assert "in 95 of 100 test sets" not in told


def test_why_there_is_no_evaluation_is_told(open_app: Open, master: Script) -> None:
    note = {"round": 2, "test": None, "audit": None, "note": "The study has no test pictures."}
    master[f"GET runs/{sample.RUN}/evaluation"] = ok(note)
    assert "The study has no test pictures." in shown(open_app("results", tab="evaluation"))


def test_one_tensor_can_be_looked_at_alone(open_app: Open) -> None:
    app = open_app("results", tab="model")
    app.selectbox(key="tensor").set_value("conv1/bias").run()
    assert not app.exception
    assert not app.error


def test_figures_of_each_tensor_stand_before_and_after_side_by_side() -> None:
    before, after = sample.weights(1), sample.weights(2)
    table = per_tensor(before, after).set_index("Tensor")
    assert list(table.index) == ["conv1/kernel", "conv1/bias"]
    assert table.loc["conv1/bias", "Mean, before"] == before.tensors["conv1/bias"].mean
    assert table.loc["conv1/bias", "Mean, after"] == after.tensors["conv1/bias"].mean
    assert table.loc["conv1/kernel", "Values"] == 4000
    assert per_tensor(before, None)["Mean, after"].isna().all()


def test_model_report_history_and_plan_can_be_taken_away(open_app: Open) -> None:
    labels = [button.label for button in open_app("results").download_button]
    assert labels == [
        *("Model of round 2 (.keras)", "Report (HTML)", "History (CSV)", "Plan (TOML)")
    ]


def test_what_is_taken_away_speaks_the_language_of_the_page(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Callable[[], bytes]] = []
    monkeypatch.setattr(st, "download_button", lambda _, data, **__: made.append(data))
    assert not open_app("results", lang="ru").exception
    # The files are written when they are asked for, outside the page.
    _, report, _, plan = made
    assert b'<html lang="ru">' in report()
    assert "План прогона" in plan().decode()


@pytest.mark.parametrize(
    ("tab", "asked", "words"),
    [
        ("progress", "course", "Accuracy on the test pictures was 0.720 in round 1"),
        ("sites", "rounds/2", "Rounds 1 to 2 of 3 sites"),
        ("model", "changes", "conv1 moved most"),
        ("evaluation", "evaluation", "ROC curve"),
        ("audit", "rounds/2", "Every value is finite."),
        ("credits", "rewards", "The rule is **Shapley**"),
        ("events", "events", "Round 1 averaged 2 of 2 updates"),
        ("settings", "course", "The plan as TOML"),
    ],
)
def test_each_tab_asks_for_what_it_shows_and_for_nothing_else(
    tab: str, asked: str, words: str, open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("results", tab=tab)
    assert not app.exception
    assert not app.error
    assert words in shown(app)
    of_run = f"runs/{sample.RUN}/"
    calls = {call.path.removeprefix(of_run) for call in servers.calls if of_run in call.path}
    assert asked in calls
    assert len(calls - {"course", "rounds/2"}) <= 2
    assert f"{of_run}rounds" not in {call.path for call in servers.calls}


def test_one_steps_from_round_to_round_and_back_to_the_newest(open_app: Open) -> None:
    app = open_app("results", tab="audit")
    assert app.button(key="round-after").disabled
    app.button(key="round-before").click().run()
    assert (app.query_params["round"], app.selectbox(key="choice-round").value) == ("1", "1")
    assert app.button(key="round-before").disabled
    app.button(key="round-follow").click().run()
    assert "round" not in app.query_params
    assert app.selectbox(key="choice-round").value == "2"


def test_a_run_under_way_is_steered_where_it_is_shown(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    under_way = sample.training_run()
    master["GET runs"] = ok({"runs": [under_way]})
    master[f"GET runs/{sample.RUN}"] = ok(under_way)
    opened = sample.round_(2, state=RoundState.OPEN, weights_after=None, updates=[])
    master.update(sample.rounds_told([sample.round_(1), opened]))
    app = open_app("results")
    assert "Epoch 2 of 4" in shown(app)
    app.button(key=f"pause-{sample.RUN}").click().run()
    app.button(key=f"stop-{sample.RUN}").click().run()
    assert servers.made("POST", f"runs/{sample.RUN}/pause")
    assert servers.made("POST", f"runs/{sample.RUN}/stop")


def test_a_run_without_a_round_shows_its_plan_and_events(open_app: Open, master: Script) -> None:
    pending = sample.run(state="pending", round=0, finished_at=None, evaluation=None)
    master["GET runs"] = ok({"runs": [pending]})
    master[f"GET runs/{sample.RUN}"] = ok(pending)
    master.update(sample.rounds_told([]))
    app = open_app("results", tab="settings")
    assert not app.exception
    assert not app.error
    assert "has not opened a round yet" in shown(app)
    assert "min_examples = 1" in app.code[0].value


def test_older_events_are_read_page_by_page(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    told = sample.events()[0]
    many = [told.model_copy(update={"id": number}) for number in range(401, 501)]
    master[f"GET runs/{sample.RUN}/events"] = ok({"events": many})
    app = open_app("results", tab="events")
    app.button(key="events-older").click().run()
    assert servers.made("GET", f"runs/{sample.RUN}/events")[-1].query == {"before": "401"}
    app.button(key="events-newest").click().run()
    assert "before" not in app.query_params


def test_fifty_sites_and_two_hundred_rounds_are_shown_in_pages(
    open_app: Open, master: Script
) -> None:
    sent = [sample.update(f"site-{place:02}", 1, 15, 0.02) for place in range(50)]
    master.update(sample.rounds_told([sample.round_(n, updates=sent) for n in range(1, 201)]))
    app = open_app("results", tab="sites", round="100")
    assert not app.error
    assert "Rounds 90 to 109 of 20 sites" in shown(app)
    assert [len(table.value) for table in app.table[:2]] == [20, 20]
    last = open_app("results", tab="sites", round="100", updates="3")
    assert [list(table.value["Site"])[-1] for table in last.table[:2]] == ["site-49"] * 2
    assert len(last.table[0].value) == 10
    cards = open_app("results", tab="audit", round="100")
    assert len(cards.subheader) == 12


def test_a_round_that_nobody_chose_follows_the_newest(open_app: Open, master: Script) -> None:
    master.update(sample.rounds_told([sample.round_(1)]))
    app = open_app("results", tab="sites")
    assert app.selectbox(key="choice-round").value == "1"
    master.update(sample.rounds_told([sample.round_(1), sample.round_(2)]))
    shared_desk().operator.connection.forget()
    app.run()
    assert app.selectbox(key="choice-round").value == "2"


def test_a_round_that_was_chosen_stays_and_stands_in_the_address(
    open_app: Open, master: Script
) -> None:
    app = open_app("results", tab="sites")
    app.selectbox(key="choice-round").set_value("1").run()
    assert app.query_params["round"] == "1"
    app.run()
    assert app.selectbox(key="choice-round").value == "1"


def test_how_a_round_closed_is_told(open_app: Open, master: Script) -> None:
    late = sample.NOW + 33
    for state, said in [("closed", "closed after 33 s with 2"), ("failed", "failed after 33 s")]:
        ended = sample.round_(
            1, state=state, opened_at=sample.NOW, closed_at=late, quorum=2, extended=True
        )
        master.update(sample.rounds_told([ended]))
        told = shown(open_app("results", tab="sites"))
        assert said in told
        assert re.search(r"2 needed by \d\d:\d\d:\d\d\.", told)
        assert "It was extended once." in told
        assert ("federated averaging" in told) == (state == "closed")


def test_only_closed_rounds_count_as_done(open_app: Open, master: Script) -> None:
    failed = sample.round_(2, state=RoundState.FAILED, weights_after=None)
    master.update(sample.rounds_told([sample.round_(1), failed]))
    metrics = {metric.label: metric.value for metric in open_app("results").metric}
    assert metrics["Rounds done"] == "1 / 2"


def test_what_could_not_be_checked_is_told_apart(open_app: Open, master: Script) -> None:
    open_end = "There were no pictures to measure it on."
    update = sample.update("site-1", 1, 15, 0.25)
    assert update.audit is not None
    facts = {"reasons": ("The weights have changed.", open_end), "unchecked": (open_end,)}
    judged = update.model_copy(update={"audit": update.audit.model_copy(update=facts)})
    master.update(sample.rounds_told([sample.round_(1, updates=[judged])]))
    told = shown(open_app("results", tab="audit"))
    assert told.count(open_end) == 1
    assert told.index("The weights have changed.") < told.index("What could not be checked")
    assert told.index("What could not be checked") < told.index(open_end)
    assert "accuracy 0.720, loss 0.550" in told
    assert "15 training pictures · weight 25.0 %" in told
    # In another language the master's sentence is told in it; one that nobody knows stays.
    told = shown(open_app("results", tab="audit", lang="zh"))
    assert "The weights have changed" not in told
    assert told.index("权重已改变。") < told.index(open_end)


def test_a_late_update_is_told_with_its_reason_and_earns_nothing(
    open_app: Open, master: Script
) -> None:
    late = sample.update("site-1", 1, 15, 0.25).model_copy(
        update={"status": "late", "share": None, "credits": None, "audit": None}
    )
    task = sample.training_run().tasks[0]
    reason = "the round has closed without it"
    ended = task.model_copy(
        update={"id": late.task, "state": TaskState.LATE, "reason": reason, "progress": None}
    )
    round_ = sample.round_(1, updates=[late], tasks=[ended])
    master.update(sample.rounds_told([round_]))
    app = open_app("results", tab="sites")
    updates = app.table[0].value
    assert list(updates["Status"]) == ["○ late"]
    assert list(updates["Weight in the mean"]) == ["–"]
    assert list(updates["Credits"]) == ["–"]
    assert "The round has closed without it" in shown(open_app("results", tab="audit"))


def test_batch_and_attempt_stand_beside_the_update(open_app: Open, master: Script) -> None:
    first = sample.training_run().tasks[0]
    ended = first.model_copy(update={"state": TaskState.ACCEPTED, "progress": None})
    work = {
        "site-1": {"batch": "36cbe1d9" + 56 * "0", "attempt": 2},
        "site-2": {"batch": "1c60a65e" + 56 * "0"},
    }
    tasks = [
        ended.model_copy(update={"id": f"task-1-{name}", **facts}) for name, facts in work.items()
    ]
    master.update(sample.rounds_told([sample.round_(1, tasks=tasks)]))
    table = open_app("results", tab="sites").table[0].value
    assert list(table["Work"]) == ["batch 36cbe1d9 · attempt 2", "batch 1c60a65e"]


def test_on_its_own_pictures_there_is_no_column_of_work(open_app: Open) -> None:
    assert "Work" not in open_app("results", tab="sites").table[0].value


def test_how_old_each_update_was_is_shown_where_nobody_waits(
    open_app: Open, master: Script
) -> None:
    assert "How old the updates were" not in shown(open_app("results", tab="sites"))
    strategy = StrategyChoice(name="fedasync")
    plan = sample.PLAN.model_copy(update={"strategy": strategy})
    aged = [
        sample.update(name, 2, 15, 0.3).model_copy(update={"staleness": age, "base_round": 1 - age})
        for name, age in [("site-1", 1), ("site-2", 0)]
    ]
    run = sample.run(plan=plan)
    master["GET runs"] = ok({"runs": [run]})
    master[f"GET runs/{sample.RUN}"] = ok(run)
    rounds = [sample.round_(1, updates=[]), sample.round_(2, updates=aged)]
    master.update(sample.rounds_told(rounds))
    app = open_app("results", tab="sites")
    assert not app.error
    told = shown(app)
    assert "How old the updates were" in told
    assert "0.5 in the mean, 1 at most" in told
    table = app.table[0].value
    assert list(table["Began from round"]) == ["0", "1"]
    assert list(table["Versions behind"]) == ["1", "0"]
    assert list(table["Weight"]) == ["30.0\u00a0%", "30.0\u00a0%"]


def test_before_the_first_model_there_are_no_charts(open_app: Open, master: Script) -> None:
    opened = sample.round_(
        1, state=RoundState.OPEN, weights_after=None, updates=[], evaluation=None
    )
    master.update(sample.rounds_told([opened]))
    assert "There are no figures yet" in shown(open_app("results", tab="progress"))
    untested = sample.round_(1, evaluation=None)
    master.update(sample.rounds_told([untested]))
    # The sites' own figures are there without test pictures too.
    assert "There are no figures of Accuracy yet." in shown(open_app("results", tab="progress"))


def test_of_a_model_with_a_frozen_part_the_page_says_what_it_shows(
    open_app: Open, master: Script
) -> None:
    base = sample.HASHES[0]
    run = sample.run().model_copy(update={"frozen": base})
    master["GET runs"] = ok({"runs": [run]})
    master[f"GET runs/{sample.RUN}"] = ok(run)
    assert "The rest of this model is frozen" in shown(open_app("results", tab="model"))
    current = sample.study().current.model_copy(
        update={"frozen": base, "frozen_parameters": 218_544, "frozen_nbytes": 874_176}
    )
    master["GET studies"] = ok({"studies": [sample.study(current=current)]})
    assert "The rest of this model, 218\u202f544 values, is frozen" in shown(
        open_app("results", tab="model")
    )
    assert "Besides those, 218\u202f544 values of the model are frozen" in shown(open_app("sites"))
    assert "For each update, 16 kB go to a site" in shown(open_app("train"))
    assert "What is frozen, 874 kB, goes to each site once" in shown(open_app("train"))
