"""What can be wrong with pictures and with the files that hold them."""

from __future__ import annotations

from federated.errors import Conflict, FederationError, InvalidInput, NotFound, TooLarge


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
