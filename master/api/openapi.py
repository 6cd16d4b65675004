"""How answers that are no JSON stand in the API's documentation."""

from __future__ import annotations

from typing import Any

Responses = dict[int | str, dict[str, Any]]


def file_answer(media_type: str, description: str) -> Responses:
    """An answer that is a file."""
    return {200: {"description": description, "content": {media_type: {}}}}
