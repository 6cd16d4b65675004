"""The address of a folder elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, ValidationError

from federated.values import BatchUrl
from imaging.errors import WrongBatchUrl

SCHEMES = ("file", "http", "https", "ftp", "s3")

_URL: TypeAdapter[str] = TypeAdapter(BatchUrl)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a folder lies; it has no name and no password in it.

    Attributes:
        url: As it was given, without a slash at its end.
        scheme: One of `SCHEMES`.
        host: The server; of `s3`, the bucket; of `file`, empty.
        port: The server's port, if the address names one.
        path: The folder's path on the server, with a slash first, or empty.
    """

    url: str
    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """The address that `url` is.

        Raises:
            WrongBatchUrl: It is none that is read here, or has a password in it.
        """
        try:
            known = _URL.validate_python(url)
            parts = urlsplit(known if "://" in known else f"file://{known}")
            port, path = parts.port, unquote(parts.path) if "://" in known else known
        except (ValidationError, ValueError) as error:
            raise _wrong(url) from error
        server = (parts.hostname or "") if parts.scheme != "s3" else parts.netloc
        if parts.scheme not in SCHEMES or bool(server) == (parts.scheme == "file"):
            raise _wrong(url)
        if any(ord(character) < 32 for character in path) or ".." in path.split("/"):
            raise _wrong(url)
        return cls(known, parts.scheme, server, port, path)

    @property
    def folder(self) -> Path | None:
        """The folder, if it is one of this machine."""
        return Path(self.path) if self.scheme == "file" else None


def _wrong(url: str) -> WrongBatchUrl:
    return WrongBatchUrl(
        "This is no address of a batch server",
        expected="a whole folder path, or file://, http://, https://, ftp:// or s3:// and "
        "where the batches lie, without a password or a question",
        # What stands before an @ may be a password.
        received=ascii(url.rpartition("@")[2][:100]),
    )
