"""What the trainer is asked for a task that measures models: on which pictures; or why not.

Whoever may measure models of his own making as often as he likes reads pictures out, one bit
with each: a model that answers for one pixel of one picture is quickly made. So a site measures
for a run that it has trained in, under the plan that it has trained by, and once.
"""

from __future__ import annotations

from child.store.tasks import HeldTask, TaskStore
from child.training_request import Site, drafts_of, least_examples
from child.validation_part import validation_part
from child.worker_messages import EvaluationRequest
from federated.errors import Conflict
from federated.messages import Task
from federated.values import MAX_EXAMPLES

NOT_TAKEN = frozenset({"failed", "cancelled"})
"""States in which a task ends whose update the master did not take."""


def evaluation_request(task: Task, site: Site) -> EvaluationRequest:
    """A task with the pictures that never train here, or the reason why nothing is measured.

    Args:
        task: The task.
        site: Its pictures and limits.

    Raises:
        Conflict: The site does not take part in it now, the run is none that it measures for,
            or has been measured, or so few pictures judge here that figures would tell of single
            ones.
        NotFound: Weights are not here.
    """
    site.admission.check(task)
    _check_due(task, site.tasks)
    least = least_examples(task, site)
    validation = validation_part(task.study, site.pictures, MAX_EXAMPLES)
    if len(validation.rows) < least:
        raise Conflict(
            "This site has too few pictures that judge to measure models on them",
            expected=f"at least {least}",
            received=len(validation.rows),
            code="too_few_examples",
        )
    keeps_own = task.plan.strategy.batch_norm == "local"
    return EvaluationRequest(
        task=task,
        weights=tuple(site.blobs.path(name) for name in task.models),
        frozen=site.blobs.path(task.frozen) if task.frozen else None,
        own_statistics=site.statistics.of_run(task.run) if keeps_own else None,
        pixels=site.folder.array(task.study).path,
        validation=validation,
        least=least,
        result=drafts_of(task, site).evaluation,
    )


def _check_due(task: Task, tasks: TaskStore) -> None:
    # A plan with cross_site that trains nothing, or on public pictures, is no plan at all.
    if not task.plan.cross_site:
        raise Conflict(
            "This run's plan does not have models measured across sites",
            expected="a plan with cross_site",
            code="not_cross_site",
        )
    done = tasks.done_for(task.run)
    if not any(_trained_for(held, task) for held in done):
        raise Conflict(
            "This site has not trained in this run, and measures no models for it",
            expected="an update of this site, of the same study and by the same plan",
            code="not_trained",
        )
    if any(held.task.kind == "evaluate" and held.task.id != task.id for held in done):
        raise Conflict(
            "This site has measured the models of this run before, and does so once",
            expected="the task that it has measured them for",
            code="measured_before",
        )


def _trained_for(held: HeldTask, task: Task) -> bool:
    """Whether a task is one whose update the master has, or is to have, for this measurement."""
    trained = held.task.kind == "train" and held.state not in NOT_TAKEN
    same_study = held.task.study.id == task.study.id
    return trained and same_study and held.task.plan == task.plan
