"""The matrix of a training that measured each site's model at the other sites."""

from __future__ import annotations

from typing import Any

from federated.views import CrossSiteRow, CrossSiteView

MEASURE = "accuracy"


def as_document(view: CrossSiteView) -> dict[str, Any]:
    """The matrix as it stands in the results: models by column, and a row for each site."""
    kept = {"round", "models", "sites"}
    document: dict[str, Any] = view.model_dump(mode="json", include=kept)
    return document


def rows_of(view: CrossSiteView) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of a table of accuracies: where it was measured, and whose model."""
    columns = ["measured at", "pictures", *(model.name for model in view.models)]
    return columns, [_row(site, len(view.models)) for site in view.sites]


def reasons(view: CrossSiteView) -> list[str]:
    """Why a row or a column is empty, a line each."""
    told = [(site.node_name, site.reason) for site in view.sites if not site.figures]
    told += [(model.name, model.reason) for model in view.models if not model.weights]
    return [f"{name}: {reason or 'no answer'}" for name, reason in told]


def _row(site: CrossSiteRow, models: int) -> list[str]:
    figures = site.figures or [None] * models
    values = [getattr(one, MEASURE) if one else None for one in figures]
    written = ["–" if value is None else f"{value:.4f}" for value in values]
    return [site.node_name, str(site.num_examples or "–"), *written]
