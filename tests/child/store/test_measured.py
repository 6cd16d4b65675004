from child.store.measured import Measured, MeasuredStore
from federated.uncertainty import Calibration

ONE = Measured(blobs=("a1", "b2"), calibration=Calibration(temperature=1.5, examples=40))
OTHER = Measured(blobs=("c3",), calibration=Calibration(missing="There are too few pictures."))


def test_the_latest_measurement_of_each_study_is_kept(site):
    store = MeasuredStore(site.child.departures._database)
    assert store.of("skin", ["a1"]) is None
    store.keep("skin", ONE)
    store.keep("bone", OTHER)
    assert store.of("skin", ["b2", "a1"]) == ONE
    assert store.of("skin", ["a1"]) is None
    assert store.of("bone", ["c3"]) == OTHER
    store.keep("skin", OTHER)
    assert store.of("skin", ["a1", "b2"]) is None
    assert store.of("skin", ["c3"]) == OTHER
