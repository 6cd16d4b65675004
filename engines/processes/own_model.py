"""`--model FILE.keras`: the operator's own model, which another process reads, for it has Keras."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engines.processes.errors import WrongOption
from engines.processes.progress import say
from engines.processes.servers import ROOT, server_environment
from federated.plan import ModelChoice

ENDING = ".keras"


@contextmanager
def own_model(
    options: argparse.Namespace, environment: Mapping[str, str]
) -> Iterator[argparse.Namespace]:
    """The options with `own`: the model that a file given as `--model` holds, if one is.

    Its weights lie in a folder of their own as long as the block runs.

    Args:
        options: As parsed; commands without `--model` are left alone.
        environment: This process's own.

    Raises:
        WrongOption: There is no such file, or it holds no model that is admitted.
    """
    name: str | None = getattr(options, "model", None)
    if name is None or not name.endswith(ENDING):
        yield options
        return
    with tempfile.TemporaryDirectory(prefix="commonsight-own-") as folder:
        say(f"Reading the model of {name}.")
        choice = _adopt(Path(name).expanduser(), Path(folder), environment)
        if options.trained is not None:
            choice = choice.model_copy(update={"trained": options.trained})
        yield argparse.Namespace(
            **vars(options) | {"own": choice, "model": choice.name, "pretrained": Path(folder)}
        )


def _adopt(file: Path, folder: Path, environment: Mapping[str, str]) -> ModelChoice:
    if not file.is_file():
        raise WrongOption("--model names no file", expected="a .keras file", received=file)
    asked = subprocess.run(
        [sys.executable, "-m", "models.adopt", str(file.absolute()), str(folder)],
        cwd=ROOT,
        env={**os.environ, **server_environment(environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        lines = asked.stderr.strip().splitlines() or ["no reason given"]
        raise WrongOption(f"--model {file.name} cannot be used: {lines[-1].removesuffix('.')}")
    return ModelChoice.model_validate_json(asked.stdout.strip().splitlines()[-1])
