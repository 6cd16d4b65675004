"""Blobs beyond this machine: in any folder that fsspec writes, `s3://` say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import fsspec

from federated.errors import InvalidInput

BLOCK = 8 << 20
"""Bytes that are asked for at a time."""


class RemoteAway(OSError):
    """The remote store cannot be reached, or refuses; nothing is lost, and it is tried again.

    An error of the system, as a full disk is: it says nothing of what was to be kept.
    """


class RemoteBlobs:
    """A folder of blobs that others may use too; it must be there, or its bucket must be.

    Args:
        url: URL of the folder; what opens it is taken from the environment, as the library
            of that kind of store has it.

    Raises:
        InvalidInput: The URL is of no store that can be used here.
    """

    def __init__(self, url: str) -> None:
        # A URL may carry a password.
        self.place = url.rpartition("@")[2]
        try:
            # What others write is not to be missed: nothing is remembered.
            self._files, self._folder = fsspec.url_to_fs(
                url, use_listings_cache=False, skip_instance_cache=True
            )
        except (ImportError, ValueError) as error:
            raise InvalidInput(
                "Blobs cannot be kept there",
                expected="a URL that fsspec writes, with the package that it needs installed: "
                "s3:// needs s3fs",
                received=f"{self.place} ({error})",
            ) from None
        if url.startswith("s3://"):
            _ask_again_after_trouble()

    def check(self) -> None:
        """Makes sure of the folder, or of the bucket that it is in.

        Raises:
            RemoteAway: It is not there, or cannot be reached.
        """
        bucket, _, _ = self._folder.partition("/")
        with _told(self.place):
            self._files.info(bucket or self._folder)

    def sizes(self) -> dict[str, int]:
        """Bytes of each blob that is there, by hash.

        Raises:
            RemoteAway: It cannot be reached.
        """
        with _told(self.place):
            try:
                found = self._files.ls(self._folder, detail=True)
            except FileNotFoundError:
                return {}
        return {entry["name"].rpartition("/")[2]: entry["size"] for entry in found}

    def has(self, sha256: str) -> bool:
        """Whether the blob is there.

        Raises:
            RemoteAway: That cannot be told for now.
        """
        with _told(self.place):
            try:
                self._files.info(self._address(sha256))
            except FileNotFoundError:
                return False
        return True

    def put(self, path: Path, sha256: str) -> None:
        """Keeps a file as a blob.

        Raises:
            RemoteAway: It was not kept.
        """
        with _told(self.place):
            self._files.put_file(str(path), self._address(sha256))

    @contextmanager
    def open(self, sha256: str) -> Iterator[RemoteBody]:
        """The bytes of a blob, as they come.

        Raises:
            RemoteAway: They cannot be had.
        """
        with _told(self.place):
            file = self._files.open(self._address(sha256), "rb", block_size=BLOCK)
        with file:
            yield RemoteBody(file, self.place)

    def delete(self, sha256: str) -> None:
        """Forgets a blob; one that is not there is fine.

        Raises:
            RemoteAway: It was not deleted.
        """
        if self.has(sha256):
            with _told(self.place):
                self._files.rm_file(self._address(sha256))

    def _address(self, sha256: str) -> str:
        return f"{self._folder}/{sha256}"


class RemoteBody:
    """A blob on its way here.

    Args:
        file: What fsspec opened.
        place: Where it comes from.
    """

    def __init__(self, file: Any, place: str) -> None:
        self._file = file
        self._place = place

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end.

        Raises:
            RemoteAway: The store broke off.
        """
        with _told(self._place):
            data: bytes = self._file.read(size)
        return data


def _ask_again_after_trouble() -> None:
    """Has s3fs ask again, a few times, where the server had trouble of its own.

    Amazon asks for that: a 500 or a 503 of S3 says nothing of the request, see "Error best
    practices" in its user guide.
    """
    from s3fs.core import set_custom_error_handler  # only those who use it install it

    def trouble_of_the_server(error: Exception) -> bool:
        answer = getattr(error, "response", {}).get("ResponseMetadata", {})
        return bool(answer.get("HTTPStatusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR)

    set_custom_error_handler(trouble_of_the_server)


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Tells of every kind of trouble in one way: each library has errors of its own."""
    try:
        yield
    except Exception as error:
        what = " ".join(str(error).split()) or type(error).__name__
        raise RemoteAway(f"The blobs at {place} cannot be had for now: {what}") from error
