from federated.plan import Plan
from federated.states import RunState, TaskState
from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import Script, ScriptedServers, ok, refused


def button(app, label):  # type: ignore[no-untyped-def]
    return next(button for button in app.button if button.label == label)


def test_starts_the_plan_with_what_the_form_changed(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.number_input(key="rounds-").set_value(7)
    app.number_input(key="epochs-").set_value(3)
    app.number_input(key="batch_size-").set_value(16)
    app.number_input(key="learning_rate-").set_value(0.002)
    app.run()
    button(app, "Start the run").click().run()
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
    app.segmented_control(key="trigger-").set_value("upload").run()
    app.number_input(key="min_new_pictures-").set_value(5).run()
    button(app, "Start the run").click().run()
    (call,) = servers.made("POST", "runs")
    assert call.json["plan"]["trigger"] == {"kind": "upload", "min_new_pictures": 5}


def test_a_ready_made_plan_fills_the_form(open_app: Open) -> None:
    app = open_app("train")
    app.selectbox(key="plan").set_value("long").run()
    assert app.number_input(key="rounds-long").value == 10


def test_the_servers_refusal_is_shown_whole(open_app: Open, master: Script) -> None:
    sentence = "No site can take part. site-1: has 3 of 10; site-2: away."
    master["POST runs"] = refused(409, "no_sites", sentence)
    app = open_app("train")
    button(app, "Start the run").click().run()
    assert app.error[0].value.replace("\\", "") == sentence


def test_a_plan_that_cannot_be_is_told_before_it_is_sent(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.segmented_control(key="trigger-").set_value("upload")
    app.number_input(key="epochs-").set_value(0).run()
    button(app, "Start the run").click().run()
    assert "must train" in app.error[0].value
    assert not servers.made("POST", "runs")


def test_a_site_with_too_few_pictures_is_named_with_the_reason(
    open_app: Open, master: Script
) -> None:
    master["GET nodes"] = ok({"nodes": [sample.node("site-1", 9, 9), sample.node("site-9", 0, 0)]})
    assert "has 0 labelled pictures, of which 0 would train; the plan asks for 1" in shown(
        open_app("train")
    ).replace("\\", "")


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
    assert "Done with this round" in shows
    assert "Epoch 2" not in shows
