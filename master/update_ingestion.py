"""Update ingestion: an update is received, checked, and taken, refused, or noted as late.

Faults of transport leave the task as it is, for the node will try again; faults of content
end it, for the same bytes will never be right.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy.orm import Session

from federated.errors import BrokenTransport, Conflict, FederationError, InvalidInput
from federated.messages import UpdateReceipt
from federated.states import TaskState
from federated.wire import BlobReader, ExtraReader, TensorReader, UpdateDocument, UpdateReader
from federated.wire_checks import check_finite, check_update
from master.control_check import ControlTerms, check_change
from master.services import Services
from master.store import node_records, tasks, updates
from master.store.tables import TaskRow, UpdateRow
from master.update_terms import Expectation, check_document, terms_of
from serving.blobs import Draft, Received, StoredTensors, open_blob


class RefusedUpdate(InvalidInput):
    """The content of an update is wrong; its task is over."""

    code = "refused_update"


def largest_body(services: Services, node_id: str, task_id: str) -> int:
    """Bytes above which the update of a task is refused.

    Raises:
        NotFound: The node holds no such task.
    """
    return terms_of(services, node_id, task_id).largest


def receive_update(
    services: Services, node_id: str, task_id: str, body: IO[bytes], length: int | None
) -> UpdateReceipt:
    """Takes an update from the node that holds the task; the same bytes get the same answer.

    Args:
        services: The parts of the master.
        node_id: The node that calls.
        task_id: The task that it names.
        body: The safetensors bytes.
        length: Size that was announced, if any.

    Raises:
        NotFound: The node holds no such task.
        BrokenTransport: The body is truncated, or not safetensors; the task stays as it is.
        TooLarge: The body is over the limit; the task stays as it is.
        Conflict: Other bytes came before, or another site has answered the same work.
        RefusedUpdate: The content is wrong; the task is over.
    """
    expected = terms_of(services, node_id, task_id)
    with services.blobs.drafted(body, limit=expected.largest) as draft:
        nbytes = draft.received.nbytes
        services.metrics.update_bytes.inc(nbytes)
        if length is not None and nbytes != length:
            raise BrokenTransport(
                "The update is truncated",
                expected=f"{length} bytes",
                received=nbytes,
                code="truncated",
            )
        try:
            return _take(services, expected, draft)
        finally:
            services.wakeup.notify()


def check(services: Services, expected: Expectation, path: Path) -> UpdateDocument:
    """Compares an update with what its task asked for, and reads every value once.

    Raises:
        BrokenTransport: It is not safetensors at all.
        RefusedUpdate: Its content is wrong.
    """
    with _opened(path) as blob:
        try:
            document = check_update(blob, expected.signature, extra=expected.extra)
            check_document(document, expected)
            check_finite(blob)
            with open_blob(services.blobs.path(expected.base)) as base:
                # A delta or a scale can overflow although every stored value is finite.
                after = UpdateReader(blob, document, base)
                if document.kind == "delta" or document.encoding == "int8":
                    check_finite(after)
                if expected.controls is not None:
                    everyones = _everyones(services, expected.controls)
                    extra = ExtraReader(blob)
                    check_change(expected.controls, document, extra, after, base, everyones)
        except FederationError as error:
            raise RefusedUpdate(
                error.problem, expected=error.expected, received=error.received, code=error.code
            ) from None
    return document


def _everyones(services: Services, controls: ControlTerms) -> TensorReader | None:
    sha256 = controls.everyones
    return None if sha256 is None else StoredTensors(services.blobs.path(sha256))


@contextmanager
def _opened(path: Path) -> Iterator[BlobReader]:
    """A blob as a reader; one that cannot be read has been damaged on its way."""
    with ExitStack() as stack:
        try:
            blob = stack.enter_context(open_blob(path))
        except InvalidInput as error:
            raise BrokenTransport(
                error.problem, expected=error.expected, received=error.received, code=error.code
            ) from None
        yield blob


def _take(services: Services, expected: Expectation, draft: Draft) -> UpdateReceipt:
    received = draft.received
    with services.database.read() as session:
        known = _answered(session, expected.task, received.sha256)
        over = TaskState(session.get_one(TaskRow, expected.task).state) not in tasks.OPEN
    if known is not None:
        return known
    if over:
        return _settle(services, expected, received, None, None)
    try:
        document = check(services, expected, draft.path)
    except RefusedUpdate as fault:
        _settle(services, expected, received, None, fault)
        raise
    # Before the commit: an update in the table always has its bytes in their place.
    services.blobs.keep(draft)
    services.failpoint("update-kept")
    return _settle(services, expected, received, document, None)


def _settle(
    services: Services,
    expected: Expectation,
    received: Received,
    document: UpdateDocument | None,
    fault: RefusedUpdate | None,
) -> UpdateReceipt:
    """Writes what became of an update; looks again, for much may have happened since."""
    sha256, nbytes, now = received.sha256, received.nbytes, services.now()
    with services.database.write() as session:
        if (known := _answered(session, expected.task, sha256)) is not None:
            return known
        row = session.get_one(TaskRow, expected.task)
        if row.state not in tasks.OPEN:
            if updates.note_duplicate(session, row, sha256, nbytes, now):
                receipt = None
            else:
                updates.note_late(session, row, sha256, nbytes, now)
                receipt = UpdateReceipt(state=str(TaskState.LATE), sha256=sha256)
        else:
            if fault is not None:
                updates.refuse(session, row, sha256, nbytes, fault, now)
                node_records.bad(session, row.node_id, fault.detail, now)
            elif document is not None:
                updates.submit(session, row, sha256, nbytes, document, now)
            receipt = UpdateReceipt(state=row.state, sha256=sha256)
    if receipt is None:
        raise _duplicate()
    if receipt.state == TaskState.SUBMITTED:
        services.failpoint("update-submitted")
    return receipt


def _answered(session: Session, task_id: str, sha256: str) -> UpdateReceipt | None:
    """The answer that a task's update got before, if there was one.

    Raises:
        Conflict: That was another update, or another site had answered first.
        RefusedUpdate: That was refused.
    """
    update = session.get(UpdateRow, task_id)
    if update is None:
        return None
    if update.sha256 != sha256:
        raise Conflict(
            "Another update was delivered for this task",
            expected=update.sha256,
            received=sha256,
            code="other_update",
        )
    if update.code == updates.DUPLICATE:
        raise _duplicate()
    if update.code is not None:
        raise RefusedUpdate((update.detail or "").removesuffix("."), code=update.code)
    state = str(TaskState.LATE) if update.late else session.get_one(TaskRow, task_id).state
    return UpdateReceipt(state=state, sha256=sha256)


def _duplicate() -> Conflict:
    return Conflict(
        "Another site has answered this piece of work first",
        expected="the first valid answer",
        code=updates.DUPLICATE,
    )
