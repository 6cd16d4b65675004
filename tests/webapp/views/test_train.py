import threading

import pytest

from federated.messages import Progress
from federated.plan import ModelChoice, Plan, Sampling, StrategyChoice
from federated.states import RunState, TaskState
from federated.strategies import Asynchronous, asynchronous
from federated.views import AbleNode, ExcludedNode, PlanCheck, PlanView
from tests.webapp import sample
from tests.webapp.conftest import MORE, Open, shown
from tests.webapp.hostile import EVIL, told_as_words
from tests.webapp.scripted import Answer, Call, Script, ScriptedServers, ok, refused
from webapp import awaited

UPDATE = sample.update("site-2", 2, 45, 0.75)


def button(app, label):  # type: ignore[no-untyped-def]
    return next(button for button in app.button if button.label == label)


def started(app):  # type: ignore[no-untyped-def]
    """Asks for the start, and says yes to the question that comes then."""
    button(app, "Start the run").click().run()
    button(app, "Start now").click().run()


def test_starts_the_plan_with_what_the_form_changed(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.number_input(key="rounds-").set_value(7)
    app.number_input(key="training.epochs-").set_value(3)
    app.number_input(key="training.batch_size-").set_value(16)
    app.number_input(key="training.learning_rate-").set_value(0.002)
    app.run()
    started(app)
    (call,) = servers.made("POST", "runs")
    plan = Plan.model_validate(call.json["plan"])
    assert call.json["study"] == "skin"
    assert plan == sample.PLAN.model_copy(
        update={
            "rounds": 7,
            "training": sample.PLAN.training.model_copy(
                update={"epochs": 3, "batch_size": 16, "learning_rate": 0.002}
            ),
        }
    )


def test_train_on_upload_says_after_how_many_pictures(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.segmented_control(key="kind-").set_value("upload").run()
    app.number_input(key="trigger.min_new_pictures-").set_value(5).run()
    started(app)
    (call,) = servers.made("POST", "runs")
    assert call.json["plan"]["trigger"] == {"kind": "upload", "min_new_pictures": 5}


def test_a_ready_made_plan_fills_the_form(open_app: Open) -> None:
    app = open_app("train")
    app.selectbox(key="choice-plan").set_value("long").run()
    assert app.number_input(key="rounds-long").value == 10


def test_the_servers_refusal_is_shown_whole(open_app: Open, master: Script) -> None:
    sentence = "No site can take part. site-1: has 3 of 10; site-2: away."
    master["POST runs"] = refused(409, "no_sites", sentence)
    app = open_app("train")
    started(app)
    assert app.error[0].value.replace("\\", "") == sentence


def test_a_plan_that_cannot_be_is_told_before_it_is_sent(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.segmented_control(key="kind-").set_value("upload")
    app.number_input(key="training.epochs-").set_value(0).run()
    assert "must train" in app.error[0].value
    assert "Start the run" not in [button.label for button in app.button]
    assert not servers.made("POST", "runs")


def test_the_master_says_which_sites_would_take_part_and_why_not(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    reason = "too few labelled pictures: 1, of which 1 would train; at least 4 must"
    master["POST plans/check"] = ok(
        PlanCheck(
            reasons=["Only one site can take part", f"site-1: {reason}"],
            nodes=[AbleNode(node="n2", node_name="site-2")],
            excluded=[ExcludedNode(node="n1", node_name="site-1", reason=reason)],
        )
    )
    app = open_app("train")
    told = shown(app).replace("\\", "")
    assert reason in told
    assert "✓ yes" in told
    assert "Only one site can take part" in app.info[0].value
    assert "cannot start now" in app.info[0].value
    # Once, in the table.
    assert told.count(reason) == 1
    (call,) = servers.made("POST", "plans/check")
    assert Plan.model_validate(call.json["plan"]) == sample.PLAN


def test_a_plan_that_can_never_work_is_told_as_such(open_app: Open, master: Script) -> None:
    reasons = ["The quorum is 9 of 2 sites", "No batch has the class malignant"]
    master["POST plans/check"] = ok(PlanCheck(reasons=reasons, impossible=True))
    app = open_app("train")
    told = app.warning[0].value
    assert "cannot work" in told
    assert all(reason in told for reason in reasons)
    assert button(app, "Start the run").disabled


def test_every_reason_of_a_refusal_is_listed(open_app: Open, master: Script) -> None:
    reasons = ["The quorum is 9, and there are 2 sites.", "The batch server does not answer."]
    master["POST runs"] = refused(422, "impossible_plan", " ".join(reasons), reasons=reasons)
    app = open_app("train")
    started(app)
    assert app.error[0].value.replace("\\", "").splitlines() == [f"- {line}" for line in reasons]


def test_starts_an_asynchronous_run(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("train")
    app.segmented_control(key="kind-").set_value("asynchronous").run()
    app.number_input(key="strategy.settings.buffer-fedbuff-").set_value(2)
    app.number_input(key="strategy.settings.max_staleness-fedbuff-").set_value(5)
    app.selectbox(key="strategy.settings.staleness-fedbuff-").set_value("hinge").run()
    started(app)
    (call,) = servers.made("POST", "runs")
    plan = Plan.model_validate(call.json["plan"])
    assert asynchronous(plan.strategy) == Asynchronous(buffer=2, max_staleness=5)
    assert plan.strategy.name == "fedbuff"
    assert plan.strategy.settings["staleness"] == "hinge"


def test_starts_a_run_on_random_sets(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("train")
    app.segmented_control(key="data-").set_value("random").run()
    assert "Start the run" not in [button.label for button in app.button]
    app.text_input(key="data.url-").set_value("ftp://127.0.0.1/skin")
    app.number_input(key="data.images-").set_value(60).run()
    started(app)
    (call,) = servers.made("POST", "runs")
    data = {"kind": "random", "url": "ftp://127.0.0.1/skin", "images": 60}
    assert call.json["plan"]["data"] == data


def test_an_address_with_a_password_is_refused_and_not_sent(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.segmented_control(key="data-").set_value("batches").run()
    app.text_input(key="data.url-").set_value("ftp://anna:secret@pictures.example/skin").run()
    assert "without a password" in app.error[0].value
    assert "secret" not in app.error[0].value
    (asked,) = servers.made("POST", "plans/check")
    assert "secret" not in asked.body.decode()


def test_the_form_says_when_a_round_closes(open_app: Open, servers: ScriptedServers) -> None:
    app = open_app("train")
    app.segmented_control(key="quorum-").set_value("share")
    app.selectbox(key="close-").set_value("quorum")
    app.number_input(key="deadline_factor-").set_value(3.0).run()
    app.number_input(key="quorum.share-").set_value(80)
    app.number_input(key="deadline_seconds-").set_value(7.5)
    app.number_input(key="sampling.fraction-").set_value(50)
    app.number_input(key="sampling.minimum-").set_value(2).run()
    started(app)
    (call,) = servers.made("POST", "runs")
    plan = Plan.model_validate(call.json["plan"])
    assert (plan.quorum, plan.close, plan.deadline_seconds) == (0.8, "quorum", 450)
    assert (plan.sampling.fraction, plan.sampling.minimum) == (0.5, 2)
    assert plan.deadline_factor == 3


def test_shares_that_nobody_touches_stay_as_exact_as_they_were(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    plan = sample.PLAN.model_copy(
        update={"quorum": 0.666, "sampling": Sampling(fraction=0.333, minimum=2)}
    )
    master["GET studies"] = ok({"studies": [sample.study(plan=plan)]})
    app = open_app("train")
    started(app)
    (call,) = servers.made("POST", "runs")
    assert Plan.model_validate(call.json["plan"]) == plan


def test_what_a_round_will_be_is_told_before_it_is_started(open_app: Open) -> None:
    app = open_app("train")
    app.number_input(key="deadline_seconds-").set_value(10).run()
    asked = "Each round asks the 2 sites that take part. It waits for all of them, "
    assert f"{asked}at most 10 min; then one update is enough." in shown(app)
    app.segmented_control(key="kind-").set_value("asynchronous").run()
    assert "The 2 sites that take part all work at the same time. Every 2 updates" in shown(app)


def test_how_much_travels_is_told_of_the_studys_own_model_alone(
    open_app: Open, master: Script
) -> None:
    app = open_app("train")
    assert "For each update, 16 kB go to a site, and as much comes back." in shown(app)
    other = sample.PLAN.model_copy(update={"model": ModelChoice(name="resnet18")})
    quick = PlanView(name="quick", title="A quick one", description="Of the head.", plan=other)
    master["GET plans"] = ok({"plans": [quick]})
    app = open_app("train")
    app.selectbox(key="choice-plan").set_value("quick").run()
    assert "Model resnet18: all of it learns and travels." in shown(app)
    assert "how much travels shows once it is built" in shown(app)
    assert "16 kB" not in shown(app)


def test_ready_made_plans_stand_in_the_order_of_their_titles(
    open_app: Open, master: Script
) -> None:
    names = ("z", "b", "default", "a")
    plans = [
        PlanView(name=name, title=f"Plan {name}", description="One.", plan=sample.PLAN)
        for name in names
    ]
    master["GET plans"] = ok({"plans": plans})
    own, *others = open_app("train").selectbox(key="choice-plan").options
    assert own == "The study's own plan"
    assert others == ["Plan default", "Plan a", "Plan b", "Plan z"]


def test_where_the_batches_of_the_demo_lie_is_known(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MORE, "batches", "/srv/demo/batches")
    app = open_app("train")
    app.segmented_control(key="data-").set_value("batches").run()
    assert app.text_input(key="data.url-").value == "/srv/demo/batches"


def test_a_fault_is_told_of_the_field_that_has_it(open_app: Open) -> None:
    app = open_app("train")
    app.segmented_control(key="data-").set_value("batches").run()
    app.text_input(key="data.url-").set_value("gopher://a.example/b").run()
    beside, below = (error.value for error in app.error)
    assert beside.startswith("should be a whole folder path")
    assert below == f"Where the batches lie\\: {beside}"


def test_the_form_stays_usable_while_the_master_looks_at_the_batches(
    open_app: Open, master: Script, servers: ScriptedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awaited, "PATIENCE_SECONDS", 0.05)
    answers = threading.Event()
    found = master["POST plans/check"]

    def slow(call: Call) -> Answer:
        answers.wait(20)
        assert isinstance(found, Answer)
        return found

    master["POST plans/check"] = slow
    app = open_app("train")
    assert "The master looks at the plan" in app.info[0].value
    app.number_input(key="rounds-").set_value(7).run()
    assert "✓ yes" not in shown(app)
    answers.set()
    monkeypatch.setattr(awaited, "PATIENCE_SECONDS", 20.0)
    app.run()
    assert "✓ yes" in shown(app)
    assert not app.info
    # The same question is not asked twice; the changed plan is another one.
    rounds = [call.json["plan"]["rounds"] for call in servers.made("POST", "plans/check")]
    assert rounds == [2, 7]


def test_a_run_under_way_can_be_paused_resumed_and_stopped(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    for state, label, action in [
        ("running", "Pause", "pause"),
        ("paused", "Resume", "resume"),
        ("running", "Stop the run for good", "stop"),
    ]:
        under_way = sample.training_run().model_copy(update={"state": RunState(state)})
        master["GET runs"] = ok({"runs": [under_way]})
        master[f"GET runs/{sample.RUN}"] = ok(under_way)
        app = open_app("train")
        assert "Epoch 2 of 4" in shown(app)
        button(app, label).click().run()
        assert len(servers.made("POST", f"runs/{sample.RUN}/{action}")) == 1


def test_a_run_that_waits_for_another_is_shown_below_it_and_can_only_be_stopped(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    at_work = sample.training_run()
    reason = f"waits for run {at_work.id} of this study to end"
    waiting = sample.run(
        id="run-0002", state=RunState.PENDING, round=0, reason=reason, created_at=sample.NOW
    )
    master["GET runs"] = ok({"runs": [waiting, at_work]})
    master[f"GET runs/{sample.RUN}"] = ok(at_work)
    master["GET runs/run-0002"] = ok(waiting)
    master["POST runs/run-0002/stop"] = ok({})
    app = open_app("train")
    told = shown(app)
    assert told.index("Round 2 of 2") < told.index("A run that waits to begin")
    assert f"W{reason[1:]}" in told
    assert [b.label for b in app.button].count("Pause") == 1
    app.button(key="stop-run-0002").click().run()
    assert len(servers.made("POST", "runs/run-0002/stop")) == 1


def test_another_run_can_be_prepared_while_one_is_under_way(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    master["GET runs"] = ok({"runs": [sample.training_run()]})
    master[f"GET runs/{sample.RUN}"] = ok(sample.training_run())
    app = open_app("train")
    assert "Start the run" not in [button.label for button in app.button]
    app.toggle(key=f"another-{sample.RUN}").set_value(True).run()
    waiting = sample.run(
        id="run-0002", state=RunState.PENDING, round=0, created_at=sample.NOW, reason=None
    )
    before, after = [sample.training_run()], [waiting, sample.training_run()]
    # It is there once it was asked for: the page may look again at any moment before.
    master["GET runs"] = lambda _: ok({"runs": after if servers.made("POST", "runs") else before})
    master["GET runs/run-0002"] = ok(waiting)
    started(app)
    assert len(servers.made("POST", "runs")) == 1
    assert not app.toggle(key="another-run-0002").value


@pytest.mark.parametrize("page", ["train", "overview"])
def test_a_run_of_another_study_is_told_with_a_way_to_it(
    page: str, open_app: Open, master: Script
) -> None:
    other = sample.STUDY.model_copy(update={"id": "texture", "name": "Textures"})
    master["GET studies"] = ok({"studies": [sample.study(), sample.study(study=other)]})
    elsewhere = sample.training_run().model_copy(update={"id": "run-0002", "study": "texture"})
    master["GET runs"] = ok({"runs": [elsewhere, sample.run()]})
    told = shown(open_app(page, study="skin"))
    assert "Also under way: **Textures**, Round 2 of 2" in told
    assert "0 of 2 rounds done" not in told


def test_without_waiting_the_age_of_what_a_site_works_on_is_told(
    open_app: Open, master: Script
) -> None:
    strategy = StrategyChoice(name="fedbuff", settings={"buffer": 4})
    plan = sample.PLAN.model_copy(update={"strategy": strategy, "rounds": 8})
    first, second = sample.training_run().tasks
    tasks = [
        first.model_copy(update={"round": 4, "base_round": 3}),
        second.model_copy(update={"round": 7, "base_round": 6, "state": TaskState.LEASED}),
    ]
    run = sample.training_run().model_copy(update={"plan": plan, "round": 7, "tasks": tasks})
    master["GET runs"] = ok({"runs": [run]})
    master[f"GET runs/{sample.RUN}"] = ok(run)
    opened = sample.round_(7, state="open", target=4, tasks=tasks, updates=[UPDATE])
    master[f"GET runs/{sample.RUN}/rounds/7"] = ok(opened)
    app = open_app("train")
    told = shown(app)
    assert "Without waiting (FedBuff)" in told
    assert "6 of 8 rounds done" in told
    assert "Updates in: 1 of the 4 that make the next version." in told
    assert told.count("versions behind") == 1
    assert "3 versions behind" in told


@pytest.mark.parametrize("page", ["train", "overview", "results"])
def test_nothing_that_a_site_says_of_its_work_is_taken_for_markdown(
    page: str, open_app: Open, master: Script
) -> None:
    note = Progress(note=EVIL)
    states: dict[str, dict[str, object]] = {
        "note": {"state": TaskState.LEASED, "progress": note},
        "failure": {"state": TaskState.FAILED, "reason": EVIL},
        "silence": {"state": TaskState.QUEUED, "lost": True, "reason": EVIL},
    }
    for changes in states.values():
        first = sample.training_run().tasks[0]
        said = first.model_copy(update={"node_name": EVIL, **changes})
        run = sample.training_run().model_copy(update={"tasks": [said], "reason": EVIL})
        left = sample.round_(1).excluded[0].model_copy(update={"reason": EVIL})
        round_ = sample.round_(2, state="open", tasks=[said], updates=[], excluded=[left])
        master["GET runs"] = ok({"runs": [run]})
        master[f"GET runs/{sample.RUN}"] = ok(run)
        master[f"GET runs/{sample.RUN}/rounds"] = ok({"rounds": [round_]})
        master[f"GET runs/{sample.RUN}/rounds/2"] = ok(round_)
        app = open_app(page)
        assert not app.exception
        assert told_as_words(app)


def test_how_the_last_run_ended_stands_above_the_form(open_app: Open, master: Script) -> None:
    failed = sample.run(state=RunState.FAILED, reason="Only 0 of 1 updates came in")
    master["GET runs"] = ok({"runs": [failed]})
    told = shown(open_app("train"))
    assert "Only 0 of 1 updates came in" in told
    assert "failed" in told


def test_a_site_that_has_delivered_shows_no_stale_epoch(open_app: Open, master: Script) -> None:
    told = sample.training_run()
    done = told.tasks[0].model_copy(update={"state": TaskState.ACCEPTED})
    delivered = told.model_copy(update={"tasks": [done]})
    master["GET runs"] = ok({"runs": [delivered]})
    master[f"GET runs/{sample.RUN}"] = ok(delivered)
    shows = shown(open_app("train"))
    assert "Its update counts" in shows
    assert "Epoch 2" not in shows


def test_a_round_under_way_tells_its_quorum_deadline_and_lost_sites(
    open_app: Open, master: Script
) -> None:
    run = sample.training_run()
    lost = run.tasks[0].model_copy(
        update={
            "state": TaskState.QUEUED,
            "lost": True,
            "attempt": 2,
            "reason": "not heard of for 60 s",
        }
    )
    run = run.model_copy(update={"tasks": [lost, run.tasks[1]]})
    master["GET runs"] = ok({"runs": [run]})
    master[f"GET runs/{sample.RUN}"] = ok(run)
    master[f"GET runs/{sample.RUN}/rounds/2"] = ok(
        sample.round_(2, state="open", quorum=3, target=4, extended=True)
    )
    told = shown(open_app("train"))
    assert "Updates in: 2 of the 3 that are needed. The round was extended once." in told
    assert "fell silent" in told
    assert "attempt 2" in told
    assert "Not heard of for 60 s. Its work waits for it." in told
    assert r"Not in this round: site-3 \(has no pictures\)." in told
