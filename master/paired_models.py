"""The last models of several runs on the same test pictures, for a report that compares them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from federated.errors import InvalidInput, NotFound
from federated.views import PairedRun, PairedView
from master.coordinator.evaluation_jobs import global_model
from master.pairing import paired
from master.services import Services
from master.store import pictures, runs, studies, versions
from master.store.pictures import LabelledRows
from master.store.versions import Version

MOST_RUNS = 8
KEPT = 200

Right = tuple[bool, ...]


class PairedModels:
    """Which test pictures each model is right about, remembered for the models asked for last.

    The test pictures choose nothing here: this is for who reads how two chosen models differ.
    """

    def __init__(self, services: Services) -> None:
        """Nothing is measured yet."""
        self._services = services
        self._known: OrderedDict[tuple[object, ...], Right | None] = OrderedDict()
        self._lock = Lock()

    def compare(self, study_id: str, wanted: Sequence[str]) -> PairedView:
        """The last model of each named run beside that of the first.

        Raises:
            NotFound: There is no such study, or it has no such run with a model.
            InvalidInput: Fewer than two runs are named, or too many.
        """
        names = list(dict.fromkeys(wanted))
        if not 2 <= len(names) <= MOST_RUNS:
            expected = f"from 2 to {MOST_RUNS} runs"
            raise InvalidInput("So many cannot be compared", expected=expected, received=len(names))
        with self._services.database.read() as session:
            study = studies.study_of(studies.get(session, study_id))
            examples = pictures.labelled_rows(session, study_id, "test", study.classes)
            rows = [runs.get(session, name) for name in names]
            for row in rows:
                if row.study_id != study_id or row.version_id is None:
                    raise NotFound("This study has no such run with a model", received=row.id)
            models = [versions.get(session, row.version_id or 0) for row in rows]
        if not examples.rows:
            return PairedView(study=study_id, reference=names[0])
        right = [self._right(model, examples) for model in models]
        return _view(study_id, names, right, len(examples.rows))

    def _right(self, version: Version, examples: LabelledRows) -> Right | None:
        key = (version.key, version.study.id, tuple(examples.rows), tuple(examples.labels))
        with self._lock:
            if key not in self._known:
                pixels = self._services.state.pixels(version.study.id)
                model = global_model(self._services, version)
                answers = self._services.evaluator.answers(model, pixels, examples)
                self._known[key] = None if answers is None else _compared(answers, examples)
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return self._known[key]


def _compared(answers: Sequence[int], examples: LabelledRows) -> Right:
    return tuple(a == b for a, b in zip(answers, examples.labels, strict=True))


def _view(
    study_id: str, names: Sequence[str], right: Sequence[Right | None], number: int
) -> PairedView:
    reference = right[0]
    return PairedView(
        study=study_id,
        reference=names[0],
        num_examples=number,
        accuracy=None if reference is None else sum(reference) / number,
        runs=[_run(name, reference, own) for name, own in zip(names[1:], right[1:], strict=True)],
    )


def _run(name: str, reference: Right | None, own: Right | None) -> PairedRun:
    if own is None or reference is None:
        return PairedRun(run=name, reason="A model computes values that are not numbers")
    found = paired(reference, own)
    return PairedRun(
        run=name,
        accuracy=sum(own) / len(own),
        difference=found.difference,
        low=found.low,
        high=found.high,
        only_run=found.only_second,
        only_reference=found.only_first,
        p_value=found.p_value,
    )
