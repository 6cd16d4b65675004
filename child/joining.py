"""What this child asks the master with, to be let in."""

from __future__ import annotations

from collections.abc import Callable

from child import VERSION
from child.settings import Settings
from child.store.tokens import TokenStore
from federated.messages import JoinRequest


class Joining:
    """Makes join requests, all with one push token, and keeps what the master then has.

    Args:
        settings: Name and join token.
        tokens: The tokens that open this child.
        url: Where the master reaches this child, once it listens; None for nowhere.
    """

    def __init__(
        self, settings: Settings, tokens: TokenStore, url: Callable[[], str | None]
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._url = url
        self._push_token: str | None = None

    def request(self) -> JoinRequest | None:
        """What to ask with; None where no join token was given."""
        token, url = self._settings.join_token, self._url()
        if token is None:
            return None
        if url and self._push_token is None:
            # One for all tries: the master may have taken in a try whose answer was lost.
            self._push_token = self._tokens.mint("master")
        return JoinRequest(
            join_token=token,
            name=self._settings.name,
            url=url,
            push_token=self._push_token,
            version=VERSION,
        )

    def enrolled(self, push_token: str | None) -> None:
        """The master has this push token now: no other opens this child any more."""
        if push_token is not None:
            self._tokens.keep_only(push_token, "master")
