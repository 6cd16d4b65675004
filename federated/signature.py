"""The signature of a model's weights: the names, shapes and dtypes that both sides check."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from federated.errors import ShapeMismatch
from federated.values import Value, sha256_of

FloatDtype = Literal["float16", "float32", "float64"]

TensorName = Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$", max_length=200)]
"""A canonical tensor name, given by the zoo from the model's structure: `conv1/kernel`."""


class TensorSpec(Value):
    """One tensor of a model.

    Attributes:
        name: Canonical name, the same in every process.
        shape: Its dimensions; `()` for a scalar.
        dtype: A floating-point dtype; nothing else travels.
        trainable: Whether the optimiser moves it.
        role: `parameter`, or `statistic` for BatchNorm's moving mean and variance.
    """

    name: TensorName
    shape: Annotated[tuple[Annotated[int, Field(ge=0, le=2**31)], ...], Field(max_length=8)]
    dtype: FloatDtype = "float32"
    trainable: bool = True
    role: Literal["parameter", "statistic"] = "parameter"

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.count * np.dtype(self.dtype).itemsize


class Signature(Value):
    """All tensors of a model, in the order of the model's layers."""

    tensors: Annotated[tuple[TensorSpec, ...], Field(min_length=1, max_length=100_000)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({spec.name for spec in self.tensors}) != len(self.tensors):
            raise ValueError("tensor names must differ")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors' names, in order."""
        return tuple(spec.name for spec in self.tensors)

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of BatchNorm's moving means and variances, in order."""
        return tuple(spec.name for spec in self.tensors if spec.role == "statistic")

    @property
    def count(self) -> int:
        """Number of values in all tensors."""
        return sum(spec.count for spec in self.tensors)

    @property
    def nbytes(self) -> int:
        """Size of all tensors in bytes."""
        return sum(spec.nbytes for spec in self.tensors)

    @property
    def sha256(self) -> str:
        """The signature's own hash, to compare two at a glance."""
        return sha256_of(self.model_dump(mode="json"))

    def check(self, shapes: Mapping[str, tuple[tuple[int, ...], str]]) -> None:
        """Compares declared shapes and dtypes with this signature.

        Args:
            shapes: For each tensor name its shape and numpy dtype name.

        Raises:
            ShapeMismatch: A tensor is missing, unknown, or of another shape or dtype.
        """
        missing = sorted(set(self.names) - set(shapes))
        unknown = sorted(set(shapes) - set(self.names))
        if missing or unknown:
            raise ShapeMismatch(
                "The tensors are not those of this model",
                expected=f"the {len(self.tensors)} tensors of the signature",
                received=f"missing {missing[:5]}, unknown {unknown[:5]}",
            )
        for spec in self.tensors:
            shape, dtype = shapes[spec.name]
            if tuple(shape) != spec.shape or dtype != spec.dtype:
                raise ShapeMismatch(
                    f"Tensor '{spec.name}' does not fit this model",
                    expected=f"{spec.dtype}{list(spec.shape)}",
                    received=f"{dtype}{list(shape)}",
                )


def signature_of(weights: Mapping[str, np.ndarray]) -> Signature:
    """Signature of plain arrays, all taken as trainable parameters."""
    return Signature(
        tensors=tuple(
            TensorSpec.model_validate(
                {"name": name, "shape": array.shape, "dtype": array.dtype.name}
            )
            for name, array in weights.items()
        )
    )
