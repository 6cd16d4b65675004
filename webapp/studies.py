"""Which study a page is about."""

from __future__ import annotations

from federated.views import ChildStatus, ChildStudy, StudyView
from webapp.desk import Desk
from webapp.layout import choose
from webapp.texts import text


def choose_study(desk: Desk) -> StudyView | None:
    """A study of the master; asks only where there are several. None without any."""
    studies = {view.study.id: view for view in desk.operator.studies()}
    if len(studies) < 2:
        return next(iter(studies.values()), None)
    names = list(studies)
    chosen = choose("study", text("layout.study"), names, lambda name: studies[name].study.name)
    return studies[chosen]


def choose_child_study(status: ChildStatus) -> ChildStudy | None:
    """A study that a site holds; asks only where there are several. None without any."""
    studies = {held.study.id: held for held in status.studies}
    if len(studies) < 2:
        return next(iter(studies.values()), None)
    names = list(studies)
    chosen = choose("study", text("layout.study"), names, lambda name: studies[name].study.name)
    return studies[chosen]
