"""`python -m models`: the zoo as a list."""

from __future__ import annotations

from collections.abc import Iterator

from federated.plan import ModelChoice
from federated.study import Study
from models import runtime
from models.architecture import Architecture
from models.catalogue import catalogue

EXAMPLE = Study(id="example", name="Example", classes=("benign", "malignant"), size=100)


def describe(architecture: Architecture) -> Iterator[str]:
    """The lines on one architecture; builds it, so Keras must be configured."""
    from models.named import build_model

    signature = build_model(EXAMPLE, ModelChoice(name=architecture.name), seed=0).signature
    yield f"{architecture.name}  {architecture.summary}"
    yield (
        f"    {signature.count:,} parameters, {signature.nbytes:,} bytes on the wire "
        f"(two classes, {EXAMPLE.size} × {EXAMPLE.size} × {EXAMPLE.channels})"
    )
    for setting in architecture.settings:
        yield (f"    {setting.name} = {setting.default!r} ({setting.allowed}): {setting.help}")


def main() -> None:
    """Prints every architecture of the zoo."""
    runtime.configure(threads=1, deterministic=False)
    for architecture in catalogue().values():
        print("\n".join(describe(architecture)))


if __name__ == "__main__":
    main()
