import re

import pandas as pd
import pytest
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
    app = open_app("results", run=sample.RUN, round="1")
    assert app.selectbox(key="choice-round").value == "1"
    (call,) = servers.made("GET", f"runs/{sample.RUN}/statistics")
    assert call.query == {"round": "1"}


def test_without_an_address_the_newest_closed_round_is_shown(
    open_app: Open, master: Script
) -> None:
    opened = sample.round_(
        2, state=RoundState.OPEN, weights_after=None, updates=[], evaluation=None
    )
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [sample.round_(1), opened]})
    assert open_app("results").selectbox(key="choice-round").value == "1"


def test_an_open_round_has_no_model_to_test(open_app: Open, master: Script) -> None:
    opened = sample.round_(1, state=RoundState.OPEN, weights_after=None, updates=[])
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [opened]})
    app = open_app("results")
    told = shown(app)
    assert "no new model to test" in told
    assert "No update has come in" in told


def test_a_rejected_update_shows_why_and_counts_nothing(open_app: Open, master: Script) -> None:
    audit = sample.update("site-1", 1, 15, 0.25).audit
    assert audit is not None
    verdict = audit.model_copy(update={"verdict": "rejected", "reasons": ("Not finite.",)})
    bad = sample.update("site-1", 1, 15, 0.25).model_copy(
        update={"status": "rejected", "share": None, "credits": None, "audit": verdict}
    )
    good = sample.update("site-2", 1, 45, 1.0)
    master[f"GET runs/{sample.RUN}/rounds"] = ok(
        {"rounds": [sample.round_(1, updates=[bad, good])]}
    )
    app = open_app("results")
    table = app.table[0].value
    assert list(table["Status"]) == ["× rejected", "✓ accepted"]
    assert list(table["Weight in the mean"]) == ["–", "100.0\u00a0%"]
    assert "Not finite." in shown(app)


def test_training_and_validation_figures_stand_apart(open_app: Open) -> None:
    table = open_app("results").table[1].value
    assert list(table["Accuracy, training"]) == ["82.0\u00a0%", "82.0\u00a0%"]
    assert list(table["Accuracy"]) == ["76.0\u00a0%", "78.0\u00a0%"]
    assert list(table["Balanced accuracy"]) == ["70.0\u00a0%", "70.0\u00a0%"]


def test_what_one_site_alone_can_tell_is_a_gap_at_the_others(open_app: Open) -> None:
    table = open_app("results").table[1].value
    assert list(table["AUC"]) == ["–", "0.780"]
    # What no site can tell has no column.
    assert "Found at 90\u00a0% specificity" not in table


def test_one_figure_of_every_site_is_shown_over_the_rounds(open_app: Open) -> None:
    app = open_app("results")
    assert app.selectbox(key="choice-measure").value == "auc"
    app.selectbox(key="choice-measure").set_value("f1").run()
    assert app.query_params["measure"] == "f1"
    assert "F1 on the sites' own validation pictures" in shown(app)


def test_sites_that_measure_nothing_have_no_chart(open_app: Open, master: Script) -> None:
    silent = sample.update("site-1", 1, 15, 0.25).model_copy(update={"metrics": {"loss": 0.5}})
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [sample.round_(1, updates=[silent])]})
    assert "Site by site" not in shown(open_app("results"))


def test_how_sure_the_figures_are_stands_below_them(open_app: Open) -> None:
    metrics = open_app("results").metric
    aucs = [(metric.value, metric.delta) for metric in metrics if metric.label == "AUC"]
    assert aucs == [
        ("0.810", "95\u00a0%: 0.75\u2060–\u20600.87"),
        ("0.810", "95\u00a0%: 0.69\u2060–\u20600.91"),
    ]


def test_a_clinician_reads_how_much_is_found(open_app: Open) -> None:
    told = shown(open_app("results"))
    assert "the model finds 55 % \\(41–72 %\\) of what is malignant." in told
    assert "where it would lie in 95 of 100 test sets" in told


def test_class_by_class_figures_carry_their_intervals(open_app: Open) -> None:
    table = class_table(open_app("results"))
    assert list(table["Recall"]) == [
        "80\u00a0% (53\u2060–\u206086)",
        "70\u00a0% (53\u2060–\u206086)",
    ]
    assert list(table["Specificity"]) == ["70\u00a0%", "80\u00a0%"]
    assert list(table["Found at 90\u00a0% specificity"]) == ["–", "55\u00a0% (41\u2060–\u206072)"]


def test_what_cannot_be_told_of_a_class_has_its_reason(open_app: Open, master: Script) -> None:
    body = {"round": 2, "test": evaluated.without_last_class(), "audit": None, "note": None}
    master[f"GET runs/{sample.RUN}/evaluation"] = ok(body)
    app = open_app("results")
    assert not app.exception
    assert class_table(app)["Recall"].iloc[-1] == "–"
    told = shown(app)
    assert "Not told: There is no example of this class (vasc)." in told.replace("\\", "")
    assert "there are none of vasc" in told


def test_an_evaluation_of_an_earlier_version_is_shown(open_app: Open, master: Script) -> None:
    body = {"round": 2, "test": evaluated.earlier_report(), "audit": None, "note": None}
    master[f"GET runs/{sample.RUN}/evaluation"] = ok(body)
    app = open_app("results")
    assert not app.error
    told = shown(app)
    assert "made by a version that did not measure it" in told
    assert "in 95 of 100 test sets" not in told


def test_why_there_is_no_evaluation_is_told(open_app: Open, master: Script) -> None:
    note = {"round": 2, "test": None, "audit": None, "note": "The study has no test pictures."}
    master[f"GET runs/{sample.RUN}/evaluation"] = ok(note)
    assert "The study has no test pictures." in shown(open_app("results"))


def test_one_tensor_can_be_looked_at_alone(open_app: Open) -> None:
    app = open_app("results")
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


@pytest.mark.parametrize("label", ["Model of round 2 (.keras)", "History (CSV)"])
def test_model_and_history_can_be_taken_away(label: str, open_app: Open) -> None:
    labels = [button.label for button in open_app("results").download_button]
    assert label in labels


def test_a_round_that_nobody_chose_follows_the_newest(open_app: Open, master: Script) -> None:
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [sample.round_(1)]})
    app = open_app("results")
    assert app.selectbox(key="choice-round").value == "1"
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [sample.round_(1), sample.round_(2)]})
    shared_desk().operator.connection.forget()
    app.run()
    assert app.selectbox(key="choice-round").value == "2"


def test_a_round_that_was_chosen_stays_and_stands_in_the_address(
    open_app: Open, master: Script
) -> None:
    app = open_app("results")
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
        master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [ended]})
        told = shown(open_app("results"))
        assert said in told
        assert re.search(r"needed by \d\d:\d\d:\d\d: 2\.", told)
        assert "It was extended once." in told
        assert ("federated averaging" in told) == (state == "closed")


def test_only_closed_rounds_count_as_done(open_app: Open, master: Script) -> None:
    failed = sample.round_(2, state=RoundState.FAILED, weights_after=None)
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [sample.round_(1), failed]})
    metrics = {metric.label: metric.value for metric in open_app("results").metric}
    assert metrics["Rounds done"] == "1 / 2"


def test_what_could_not_be_checked_has_a_column_of_its_own(open_app: Open, master: Script) -> None:
    open_end = "There were no pictures to measure it on."
    update = sample.update("site-1", 1, 15, 0.25)
    assert update.audit is not None
    facts = {"reasons": ("The weights have changed.", open_end), "unchecked": (open_end,)}
    judged = update.model_copy(update={"audit": update.audit.model_copy(update=facts)})
    round_ = sample.round_(1, updates=[judged])
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [round_]})
    audit = open_app("results").table[2].value
    assert list(audit["What was found"]) == ["The weights have changed."]
    assert list(audit["What could not be checked"]) == [open_end]


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
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [round_]})
    app = open_app("results")
    updates, audit = app.table[0].value, app.table[2].value
    assert list(updates["Status"]) == ["○ late"]
    assert list(updates["Weight in the mean"]) == ["–"]
    assert list(updates["Credits"]) == ["–"]
    assert list(audit["What was found"]) == [reason]
    assert list(audit["Verdict"]) == ["○ late"]


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
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [sample.round_(1, tasks=tasks)]})
    table = open_app("results").table[0].value
    assert list(table["Work"]) == ["batch 36cbe1d9 · attempt 2", "batch 1c60a65e"]


def test_on_its_own_pictures_there_is_no_column_of_work(open_app: Open) -> None:
    assert "Work" not in open_app("results").table[0].value


def test_how_old_each_update_was_is_shown_where_nobody_waits(
    open_app: Open, master: Script
) -> None:
    assert "How old the updates were" not in shown(open_app("results"))
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
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": rounds})
    app = open_app("results")
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
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [opened]})
    assert "There are no figures yet" in shown(open_app("results"))
    untested = sample.round_(1, evaluation=None)
    master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [untested]})
    # The sites' own figures are there without test pictures too.
    assert "There are no figures of Accuracy yet." in shown(open_app("results"))


def test_of_a_model_with_a_frozen_part_the_page_says_what_it_shows(
    open_app: Open, master: Script
) -> None:
    base = sample.HASHES[0]
    run = sample.run().model_copy(update={"frozen": base})
    master["GET runs"] = ok({"runs": [run]})
    master[f"GET runs/{sample.RUN}"] = ok(run)
    assert "The rest of this model is frozen" in shown(open_app("results"))
    current = sample.study().current.model_copy(
        update={"frozen": base, "frozen_parameters": 218_544, "frozen_nbytes": 874_176}
    )
    master["GET studies"] = ok({"studies": [sample.study(current=current)]})
    assert "The rest of this model, 218\u202f544 values, is frozen" in shown(open_app("results"))
    assert "Besides those, 218\u202f544 values of the model are frozen" in shown(open_app("sites"))
    assert "For each update, 16 kB go to a site" in shown(open_app("train"))
    assert "What is frozen, 874 kB, goes to each site once" in shown(open_app("train"))
