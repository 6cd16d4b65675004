"""What can be wrong with pictures and with the files that hold them."""

from __future__ import annotations

from federated.errors import (
    Conflict,
    FederationError,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
)


class ImagingError(FederationError):
    """Root of every error that this package raises on purpose."""

    code = "imaging_error"


class RefusedPicture(ImagingError, InvalidInput):
    """The bytes are not a picture that can be kept; the code and the sentence say why."""

    code = "refused_picture"


class OversizedPicture(RefusedPicture, TooLarge):
    """The picture has, or says that it has, more bytes or pixels than is allowed."""

    code = "too_large"


class WrongPixels(ImagingError, InvalidInput):
    """An array does not have the dtype or the shape of the pixels that were asked for."""

    code = "wrong_pixels"


class NoPictures(ImagingError, NotFound):
    """A folder holds no labelled pictures, or too few."""

    code = "no_pictures"


class WrongArrayFile(ImagingError, Conflict):
    """A file is no array of pixels, or one of another shape."""

    code = "wrong_array_file"


class BrokenBatch(ImagingError, InvalidInput):
    """A batch's bytes are not those that its name promises, or make no sense."""

    code = "broken_batch"


class WrongBatchUrl(ImagingError, InvalidInput):
    """An address is none of a batch server, or of a kind that this machine cannot read."""

    code = "wrong_batch_url"


class BatchServerAway(ImagingError, Unavailable):
    """A batch server cannot be reached, is too slow, or broke off; later may be right."""

    code = "batch_server_away"


class BatchServerRefused(ImagingError, InvalidInput):
    """A batch server answers, but not with the file, and would not do so later."""

    code = "batch_server_refused"


class NoSuchBatch(ImagingError, NotFound):
    """A batch server has no file of that name."""

    code = "no_such_batch"


class ArchiveAway(ImagingError, Unavailable):
    """An archive of pictures cannot be reached, is busy, or broke off; later may be right."""

    code = "archive_away"


class ArchiveRefused(ImagingError, InvalidInput):
    """An archive of pictures answers, but not with what was asked for."""

    code = "archive_refused"
