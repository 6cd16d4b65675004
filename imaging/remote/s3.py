"""Files in an S3 bucket, through s3fs, which is installed where somebody needs it.

Endpoint, region and keys are those of the environment, as for every program that speaks S3
(`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `~/.aws`). A bucket is read as one that is open to
anyone, unless the caller allows the keys: whoever names an address is not to read with the
keys of whoever fetches from there.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from imaging.errors import BatchServerRefused, ImagingError, NoSuchBatch, WrongBatchUrl
from imaging.remote.address import Address
from imaging.remote.faults import asks_for_login, away, said
from imaging.remote.login import Login
from imaging.remote.patience import TimeLimits
from imaging.remote.stream import Stream, pieces_of

PIECE = 2**20
"""Bytes of one request: each has a price of its own."""


@contextmanager
def read(
    address: Address, name: str, start: int, limits: TimeLimits, login: Login | None
) -> Iterator[Stream]:
    """See `imaging.remote.folder.read`; nothing is signed. Each piece is a range of its own."""
    path = f"{address.host}{address.path}/{name}"
    with _told():
        file = _open(_bucket(limits, anon=True), path)
    with _stream(file, start) as stream:
        yield stream


@contextmanager
def read_with_keys(
    address: Address, name: str, start: int, limits: TimeLimits, login: Login | None
) -> Iterator[Stream]:
    """The same with the keys of the environment, where it has some."""
    path = f"{address.host}{address.path}/{name}"
    with _told():
        file = _opened_with_keys(path, limits)
    with _stream(file, start) as stream:
        yield stream


@contextmanager
def _stream(file: Any, start: int) -> Iterator[Stream]:
    with file:
        with _told():
            # Beyond the end there is nothing, as in any other file.
            file.seek(min(start, file.size))
        yield Stream(file.tell(), pieces_of(file.read, PIECE, _told))


def write(address: Address, name: str, file: Path, limits: TimeLimits, login: Login | None) -> None:
    """See `imaging.remote.folder.write`; the keys are those of the environment."""
    with _told():
        _bucket(limits).pipe_file(f"{address.host}{address.path}/{name}", file.read_bytes())


def _opened_with_keys(path: str, limits: TimeLimits) -> Any:
    try:
        return _open(_bucket(limits), path)
    except Exception as error:
        if type(error).__name__ != "NoCredentialsError":
            raise
    return _open(_bucket(limits, anon=True), path)


def _open(bucket: Any, path: str) -> Any:
    return bucket.open(path, "rb", block_size=PIECE, cache_type="none")


def _bucket(limits: TimeLimits, anon: bool = False) -> Any:
    try:
        bucket = fsspec.filesystem(
            "s3",
            anon=anon,
            config_kwargs={
                "connect_timeout": limits.silence_seconds,
                "read_timeout": limits.silence_seconds,
                "retries": {"total_max_attempts": 1},
            },
            skip_instance_cache=True,
            use_listings_cache=False,
        )
    except ImportError as error:
        raise WrongBatchUrl(
            "This machine cannot read s3:// addresses",
            expected="the package s3fs, from `pip install s3fs`",
            received="none",
        ) from error
    # Whoever reads tries again; here it would be done without a word.
    bucket.retries = 1
    return bucket


@contextmanager
def _told() -> Iterator[None]:
    """Raises what goes wrong as one of our errors."""
    try:
        yield
    except ImagingError:
        raise
    except FileNotFoundError as error:
        raise NoSuchBatch("The bucket has no such file", received=error) from error
    except PermissionError as error:
        raise asks_for_login(said(error), "keys in the environment") from error
    except OSError as error:
        # Some servers answer a request without keys with 400 instead of 403.
        raise _unfit(error) if error.errno == errno.EINVAL else away(said(error)) from error
    # s3fs lets through what several libraries raise, none of which need be installed here.
    except Exception as error:
        raise away(said(error)) from error


def _unfit(error: OSError) -> BatchServerRefused:
    return BatchServerRefused(
        "The bucket does not accept the request",
        expected="a bucket that anyone may read from, or keys that it knows",
        received=said(error),
    )
