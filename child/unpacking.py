"""Unpacking in the trainer process: a batch's files become rows of an array file."""

from __future__ import annotations

from child.worker_messages import Examples, Unpacked, UnpackRequest
from imaging.array_file import PixelArray
from imaging.batch_pixels import Rows, WantedBatch, write_batch_pixels
from serving.worker_main import Call, Json


class _Cancelled(Exception):
    """The server has asked to give up."""


def unpack(arguments: Json, call: Call) -> Json:
    """Decodes the wanted pictures of one batch."""
    request = UnpackRequest.model_validate(arguments)
    wanted = WantedBatch(request.batch, request.sha256, request.train, request.validation)
    array = PixelArray(request.pixels, request.study.picture_shape)

    def tell(pictures: int) -> None:
        if call.cancelled():
            raise _Cancelled
        call.emit({"pictures": pictures})

    try:
        written = write_batch_pixels([wanted], request.study, array, on_pictures=tell)
    except _Cancelled:
        return Unpacked(cancelled=True).model_dump()
    return Unpacked(
        train=_examples(written.train), validation=_examples(written.validation)
    ).model_dump(mode="json")


def _examples(rows: Rows) -> Examples:
    return Examples(rows=rows.rows, labels=rows.labels)
