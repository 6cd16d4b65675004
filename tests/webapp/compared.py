"""Runs beside one another, and a cross-site matrix, as the master would tell of them."""

from __future__ import annotations

from federated.site_evaluation import ModelFigures
from federated.states import RunState, TaskState
from federated.views import (
    ComparedRound,
    ComparedRun,
    Comparison,
    CrossSiteModel,
    CrossSiteRow,
    CrossSiteView,
)

NOW = 1_800_000_000.0
COLUMNS = ["loss", "accuracy", "balanced_accuracy", "auc", "seconds", "bytes_per_round"]

NARROW, WIDE = "run-narrow", "run-wide-1"


def course(*aucs: float) -> list[ComparedRound]:
    return [
        ComparedRound(
            round=place,
            figures={"loss": 1 - auc, "accuracy": auc - 0.1, "balanced_accuracy": None, "auc": auc},
        )
        for place, auc in enumerate(aucs, 1)
    ]


def run(name: str, width: int, aucs: tuple[float, ...], best: list[str], **facts: object):
    last = course(*aucs)[-1].figures
    figures = last | {"seconds": 12.0 * width, "bytes_per_round": 4e5 * width}
    document = {
        "id": name,
        "created_at": NOW,
        "state": RunState.COMPLETED,
        "model": "cnn10",
        "publish": False,
        "rounds": len(aucs),
        "planned": 3,
        "differs": {"model.settings.width": width, "training.early_stopping": None},
        "figures": figures,
        "audit": last | {"auc": round(last["auc"] - 0.04, 3)},
        "best": best,
        "course": course(*aucs),
    }
    return ComparedRun.model_validate(document | facts)


def comparison() -> Comparison:
    return Comparison(
        study="skin",
        settings=["model.settings.width", "training.early_stopping"],
        columns=COLUMNS,
        audited=True,
        runs=[
            run(WIDE, 16, (0.6, 0.7, 0.85), ["auc", "accuracy", "loss"], publish=True),
            run(NARROW, 4, (0.55, 0.65), ["seconds", "bytes_per_round"], state=RunState.RUNNING),
        ],
    )


def figures(accuracy: float) -> ModelFigures:
    return ModelFigures(
        loss=1 - accuracy,
        accuracy=accuracy,
        balanced_accuracy=accuracy - 0.05,
        auc=None,
        confusion=((3, 1), (1, 3)),
    )


def answered(site: int, num_examples: int, *accuracies: float) -> CrossSiteRow:
    """What a site measured of the models before the last, which could not be read."""
    return CrossSiteRow(
        node=f"n{site}",
        node_name=f"site-{site}",
        state=TaskState.ACCEPTED,
        num_examples=num_examples,
        figures=[*map(figures, accuracies), None],
    )


def cross_site(state: str = "closed") -> CrossSiteView:
    models = [
        CrossSiteModel(name="global", weights="0" * 64),
        CrossSiteModel(name="site-1", node="n1", weights="1" * 64),
        CrossSiteModel(name="site-2", node="n2", weights="2" * 64),
        CrossSiteModel(name="site-3", node="n3", reason="cannot be read: it is gone"),
    ]
    failed = CrossSiteRow(
        node="n3",
        node_name="site-3",
        state=TaskState.FAILED,
        reason="only 3 pictures judge here (too_few_examples)",
    )
    return CrossSiteView.model_validate(
        {
            "run": "run-0001",
            "state": state,
            "round": 2,
            "deadline_at": NOW,
            "models": models,
            "sites": [answered(1, 8, 0.8, 0.9, 0.5), answered(2, 12, 0.7, 0.4, 0.75), failed],
        }
    )
