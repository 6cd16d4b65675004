"""Enrolment: how this child becomes a node of the master, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from child.agent.contact import Contact
from child.agent.master_client import MasterClient, Node
from federated.errors import InvalidInput
from federated.messages import JoinRequest
from serving.tokens import read_secret, write_secret


class Identity:
    """Who this child is at the master, kept in a file that its owner alone can read.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Node | None:
        """The node; None before enrolment."""
        text = read_secret(self._path)
        if text is None:
            return None
        fields = json.loads(text)
        return Node(fields["node_id"], fields["token"], called=fields.get("called", True))

    def write(self, node: Node) -> None:
        """Keeps the node."""
        fields = {"node_id": node.id, "token": node.token, "called": node.called}
        write_secret(self._path, json.dumps(fields))


class Enrolment:
    """Enrols this child with a join token.

    Args:
        client: Calls to the master.
        contact: Hears the node's state.
        identity: Where the node is kept.
        request: Makes what to ask with; None where no join token was given.
        enrolled: Called with the push token that the master now has, if any.
    """

    def __init__(
        self,
        client: MasterClient,
        contact: Contact,
        identity: Identity,
        request: Callable[[], JoinRequest | None],
        enrolled: Callable[[str | None], None],
    ) -> None:
        self._client = client
        self._contact = contact
        self._identity = identity
        self._request = request
        self._enrolled = enrolled

    @property
    def node(self) -> Node | None:
        """The node, once enrolled."""
        return self._identity.read()

    def enrol(self) -> Node:
        """One try.

        Raises:
            InvalidInput: No join token was given.
            MasterAway: The master did not answer.
            MasterRefused: The master does not accept the join token or the name.
        """
        request = self._request()
        if request is None:
            raise InvalidInput(
                "This site is not enrolled at the master",
                expected="a join token from the operator, given with --join-token",
                code="not_enrolled",
            )
        answer = self._client.enrol(request)
        node = Node(answer.node_id, answer.token, called=request.url is not None)
        self._identity.write(node)
        self._enrolled(request.push_token)
        self._contact.learned(answer.state)
        return node
