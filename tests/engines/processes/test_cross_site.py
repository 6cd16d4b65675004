from engines.processes.cross_site import as_document
from engines.processes.report import tables
from federated.site_evaluation import ModelFigures
from federated.views import CrossSiteModel, CrossSiteRow, CrossSiteView


def figures(accuracy):
    return ModelFigures(loss=0.5, accuracy=accuracy, balanced_accuracy=accuracy)


VIEW = CrossSiteView(
    run="run",
    state="closed",
    round=3,
    models=[
        CrossSiteModel(name="global", weights="a" * 64),
        CrossSiteModel(name="site-1", node="n1", weights="b" * 64),
        CrossSiteModel(name="site-2", node="n2", reason="cannot be read: it is gone"),
    ],
    sites=[
        CrossSiteRow(
            node="n1",
            node_name="site-1",
            num_examples=8,
            figures=[figures(0.75), figures(0.875), None],
        ),
        CrossSiteRow(node="n2", node_name="site-2", reason="too few pictures judge here"),
    ],
)


def test_the_matrix_is_a_table_of_accuracies_with_the_reasons_of_what_is_missing():
    title, columns, _, first, second, *rest = tables([], VIEW).split("\n\n", 1)[1].splitlines()
    assert title == "Accuracy of each site's model at each site"
    assert columns.split() == ["measured", "at", "pictures", "global", "site-1", "site-2"]
    assert first.split() == ["site-1", "8", "0.7500", "0.8750", "–"]
    assert second.split() == ["site-2", "–", "–", "–", "–"]
    assert [line for line in rest if line] == [
        "site-2: too few pictures judge here",
        "site-2: cannot be read: it is gone",
    ]


def test_the_results_keep_every_figure():
    document = as_document(VIEW)
    assert set(document) == {"round", "models", "sites"}
    assert document["sites"][0]["figures"][1]["loss"] == 0.5
