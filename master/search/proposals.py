"""What the next tasks of a search are trained with.

An Optuna study is made anew from the trials at each ask and thrown away: the tasks' own rows are
all that is kept, so nothing can be lost or counted twice, and a killed master proposes what it
would have proposed. Optuna is imported by the first run that searches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from federated.plan import Plan
from federated.search import DROPOUT, Hyperparameters, Search, TrialState, in_space
from federated.split import rank
from master.search.trials import Trial, leads
from models.catalogue import catalogue

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

REMEMBERED = 500
"""Trials that a proposal goes by, the newest: each costs time whenever one is asked for."""

DIGITS = 3
"""Significant digits of a proposed number: more would only be harder to read."""


def proposals(
    plan: Plan, number: int, trials: Sequence[Trial], count: int
) -> tuple[Hyperparameters, ...]:
    """Hyperparameters for so many tasks; the same arguments give the same ones.

    Args:
        plan: A plan that searches.
        number: The round that they are for, from 1.
        trials: All trials of the run so far, in an order that a fresh state repeats.
        count: How many are wanted. Each knows of those before it, and keeps away from them.

    Raises:
        ValueError: The plan does not search.
    """
    search = plan.search
    if search is None:
        raise ValueError("the plan does not search")
    study = _study(search, _seed(plan, number, trials), trials)
    found = []
    for place in range(count):
        own = plan_settings(plan) if not trials and not place else None
        if own is not None:
            study.add_trial(_frozen(search, Trial(number, own), None))
            found.append(own)
        else:
            found.append(_asked(study, search))
    return tuple(found)


def plan_settings(plan: Plan) -> Hyperparameters | None:
    """The plan's own settings as a trial; None where they lie outside the space, or unwanted."""
    search = plan.search
    if search is None or not search.begin_with_plan:
        return None
    training, sets = plan.training, search.space.augmentation
    entry = catalogue().get(plan.model.name)
    values: dict[str, object] = {
        "learning_rate": training.learning_rate,
        "batch_size": training.batch_size,
        "optimizer": training.optimizer,
        "epochs": training.epochs,
        DROPOUT: entry.filled(plan.model.settings).get(DROPOUT) if entry else None,
        "augmentation": next((n for n, one in sets.items() if one == training.augmentation), None),
    }
    if not in_space(search.space, values):
        return None
    return Hyperparameters.model_validate({name: values[name] for name in search.space.names})


def _seed(plan: Plan, number: int, trials: Sequence[Trial]) -> int:
    """Another one for each ask of a run: by the round, and how many it has already."""
    made = sum(trial.round == number for trial in trials)
    return rank(f"search/{number}/{made}", plan.seed) % 2**31


def _study(search: Search, seed: int, trials: Sequence[Trial]) -> Study:
    import optuna

    # It would tell of every study and trial, and these last for one ask.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=seed)
    if search.sampler == "tpe":
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=search.startup,
            # Trials under way count as poor ones, so that those of a round differ.
            constant_liar=True,
        )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    told = list(zip(trials, leads(trials), strict=True))[-REMEMBERED:]
    study.add_trials([_frozen(search, trial, lead) for trial, lead in told])
    return study


def _frozen(search: Search, trial: Trial, lead: float | None) -> FrozenTrial:
    from optuna import trial as optuna

    states = {
        TrialState.RUNNING: optuna.TrialState.RUNNING,
        TrialState.COMPLETE: optuna.TrialState.COMPLETE,
        TrialState.FAILED: optuna.TrialState.FAIL,
    }
    return optuna.create_trial(
        state=states[trial.state],
        value=lead,
        params=dict(trial.parameters.told),
        distributions=_distributions(search),
    )


def _distributions(search: Search) -> dict[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    ranges = {
        name: FloatDistribution(low, high, log=name == "learning_rate")
        for name, (low, high) in search.space.ranges.items()
    }
    choices = {name: CategoricalDistribution(found) for name, found in search.space.choices.items()}
    return {**ranges, **choices}


def _asked(study: Study, search: Search) -> Hyperparameters:
    values: dict[str, Any] = study.ask(_distributions(search)).params
    for name, (low, high) in search.space.ranges.items():
        values[name] = min(high, max(low, float(f"{values[name]:.{DIGITS}g}")))
    return Hyperparameters.model_validate(values)
