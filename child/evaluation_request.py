"""What the trainer is asked for a task that measures models: on which pictures; or why not."""

from __future__ import annotations

from child.training_request import Site, drafts_of
from child.validation_part import validation_part
from child.worker_messages import EvaluationRequest
from federated.errors import Conflict
from federated.messages import Task
from federated.values import MAX_EXAMPLES


def evaluation_request(task: Task, site: Site) -> EvaluationRequest:
    """A task with the pictures that never train here, or the reason why nothing is measured.

    Args:
        task: The task.
        site: Its pictures and limits.

    Raises:
        Conflict: The site has paused, or so few pictures judge here that figures would tell
            of single ones.
        NotFound: Weights are not here.
    """
    if site.participation.paused():
        raise Conflict("This site has paused its participation", code="paused")
    least = max(site.min_examples, task.plan.privacy.min_examples)
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
