"""`python -m models.adopt FILE.keras DIR`: an operator's own model, made ready for a plan.

Writes its weights into DIR and prints the plan's `model` as JSON: what `POST /runs` takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from federated.errors import FederationError
from models import runtime


def main(file: Path, folder: Path) -> int:
    """Reads the file as a stranger's; returns the exit status."""
    runtime.configure(threads=1, deterministic=False)
    from models.own_file import choose_own, read_own_file

    try:
        choice = choose_own(read_own_file(file), folder)
    except FederationError as error:
        print(error.detail, file=sys.stderr)
        return 1
    print(choice.model_dump_json())
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m models.adopt FILE.keras DIR")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
