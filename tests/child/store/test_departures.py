from sqlalchemy import func, select

from child.store.departures import KEPT_ROWS, KEPT_SECONDS, PRUNE_EVERY, DepartureRow

HEARTBEAT, UPDATE = "/api/v1/nodes/n/heartbeat", "/api/v1/tasks/t/update"


def fill(child, rows: int, path: str, at: float) -> None:
    with child.departures._database.write() as session:
        session.execute(
            DepartureRow.__table__.insert(),
            [{"at": at, "method": "PUT", "path": path, "nbytes": 1} for _ in range(rows)],
        )


def count(child, path: str) -> int:
    with child.departures._database.read() as session:
        found = select(func.count()).where(DepartureRow.path == path)
        return session.scalar(found)


def leave_until_pruned(child) -> None:
    while child.departures.leave("POST", HEARTBEAT, 1, None) % PRUNE_EVERY:
        pass


def test_old_heartbeats_go_and_updates_stay_for_90_days(site):
    child, now = site.child, site.clock()
    fill(child, 3, UPDATE, now - KEPT_SECONDS - 1)
    fill(child, 5, UPDATE, now - KEPT_SECONDS + 1)
    fill(child, KEPT_ROWS + 40, HEARTBEAT, now)
    leave_until_pruned(child)
    assert count(child, UPDATE) == 5
    assert count(child, HEARTBEAT) == KEPT_ROWS


def test_the_latest_calls_are_kept_however_old_they_are(site):
    child = site.child
    fill(child, PRUNE_EVERY - 2, UPDATE, 0.0)
    leave_until_pruned(child)
    assert count(child, UPDATE) == PRUNE_EVERY - 2


def test_a_call_that_was_pruned_meanwhile_may_still_be_answered(site):
    site.child.departures.answered(10**9, 200)
    assert site.child.departures.latest(1) == []


def test_what_is_routine_can_be_left_out(site):
    departures = site.child.departures
    for path in (UPDATE, HEARTBEAT, "/api/v1/nodes/n/tasks/next?wait=25", "/api/v1/nodes"):
        departures.leave("PUT", path, 7, None)
    assert [one.path for one in departures.latest(9, routine=False)] == ["/api/v1/nodes", UPDATE]
    assert len(departures.latest(9)) == 4
