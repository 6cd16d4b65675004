"""What pydantic finds wrong, in a sentence. No server is needed to say it."""

from __future__ import annotations

from pydantic import ValidationError


def validation_sentence(error: ValidationError) -> str:
    """All faults that pydantic found, as one line; never the values of secrets."""
    faults = (
        f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )
    return "The message is not as expected. " + "; ".join(faults) + "."
