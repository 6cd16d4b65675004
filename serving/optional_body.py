"""Calls whose message is all defaults may come without one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import request
from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])


def optional_body(message: BaseModel, arg_name: str) -> Callable[[View], View]:
    """Lets a call without a body pass for one with `message`; stands above `input`.

    Args:
        message: What an empty body means.
        arg_name: Name under which `input` hands the message to the view.
    """

    def decorate(view: View) -> View:
        # The view as it is below `input`, which would ask for JSON.
        inner = cast(Any, view).__wrapped__

        @wraps(view)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            if request.get_data():
                return view(*arguments, **named)
            return inner(*arguments, **named, **{arg_name: message})

        return cast(View, wrapper)

    return decorate
