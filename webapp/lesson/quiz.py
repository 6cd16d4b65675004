"""The quiz: which answer of each question is right, and which words the glossary explains."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "leaves": "b",
        "mean": "c",
        "uneven": "a",
        "away": "b",
        "hostile": "c",
        "privacy": "b",
        "alone": "a",
    }
)
"""By name, the right answer of `a`, `b` and `c`. The words stand in the texts."""

ANSWERS = ("a", "b", "c")

GLOSSARY = (
    "model",
    "weight",
    "site",
    "master",
    "round",
    "update",
    "epoch",
    "rule",
    "drift",
    "alpha",
    "loss",
    "accuracy",
    "hostile",
    "noise",
)
"""The words that the glossary explains, in order of the story."""
