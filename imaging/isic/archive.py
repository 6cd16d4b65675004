"""The ISIC archive's REST interface: searches, page by page, and files from any byte on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from imaging.errors import ArchiveAway, ArchiveRefused
from imaging.isic.addresses import Resolve, check_address, resolve
from imaging.isic.records import ArchiveImage, Page
from imaging.source import OnSkip, Skipped, ignore

ARCHIVE_URL = "https://api.isic-archive.com/api/v2/"
PAGE_BYTES = 16 << 20
"""Largest page that is read."""
PIECE = 1 << 16
CONNECT_SECONDS, SILENCE_SECONDS = 10, 60

BUSY = (429, 500, 502, 503, 504)


def polite_session(pause_seconds: float = 1.0) -> requests.Session:
    """A session that asks again, ever later, where the archive is busy, and as late as it says."""
    retry = Retry(
        total=6,
        # A file that breaks off is for its reader to go on with.
        read=False,
        status_forcelist=BUSY,
        backoff_factor=pause_seconds,
        redirect=0,
        raise_on_status=False,
    )
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=16))
    return session


class IsicArchive:
    """The archive, or a server that answers as it does.

    Args:
        session: What asks; safe for several threads as long as nothing of it is changed.
        url: Root of the interface, version 2.
        resolve: Knows which computers names stand for.
    """

    def __init__(
        self, session: requests.Session, url: str = ARCHIVE_URL, resolve: Resolve = resolve
    ) -> None:
        self._session = session
        self._resolve = resolve
        self._url = url if url.endswith("/") else f"{url}/"

    def count(self, query: str, collections: str = "") -> int:
        """Pictures that a search finds.

        Raises:
            ArchiveAway: It cannot be reached, or is busy for too long.
            ArchiveRefused: It does not take the search, or answers in another form.
        """
        parameters = {"query": query, "collections": collections, "limit": "1"}
        return self._page("images/search/", parameters).count or 0

    def search(
        self, query: str, collections: str = "", on_skip: OnSkip = ignore
    ) -> Iterator[ArchiveImage]:
        """The pictures of a search, in the archive's order.

        Args:
            query: In the archive's words, such as `diagnosis_3:"Nevus" AND age_approx:[20 TO 40]`.
            collections: Numbers of collections, parted by commas.
            on_skip: Hears of pictures that are described in another form than we know.

        Raises:
            ArchiveAway: It cannot be reached, or is busy for too long.
            ArchiveRefused: It does not take the search, or answers in another form.
        """
        page = self._page("images/search/", {"query": query, "collections": collections})
        while True:
            for result in page.results:
                try:
                    yield ArchiveImage.model_validate(result)
                except ValidationError as error:
                    on_skip(Skipped(_name_of(result), f"described otherwise: {_first(error)}"))
            if page.next is None:
                return
            page = self._page(self._same_server(page.next))

    def licence(self, kind: str) -> str:
        """The text of a licence.

        Raises:
            ArchiveAway: It cannot be reached, or is busy for too long.
            ArchiveRefused: It has no such licence.
        """
        return self._get(f"zip-download/license-file/{kind}/").decode(errors="replace")

    @contextmanager
    def file(self, url: str, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """A picture's bytes from `start` on; or from 0 on, where the server knows no ranges.

        Yields:
            Where they begin, and the bytes as they come.

        Raises:
            ArchiveAway: They cannot be had for now.
            ArchiveRefused: They will not be had later either, or lie where they may not.
        """
        check_address(url, self._url, self._resolve)
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with _told():
            response = self._ask(url, headers=headers)
        with response:
            _check(response)
            begins = start if response.status_code == 206 else 0
            yield begins, _pieces(response)

    def _page(self, place: str, parameters: dict[str, str] | None = None) -> Page:
        data = self._get(place, parameters)
        try:
            return Page.model_validate_json(data)
        except ValidationError as error:
            raise ArchiveRefused(
                "The archive answers in another form than we know",
                expected="a page of pictures",
                received=_first(error),
            ) from None

    def _get(self, place: str, parameters: dict[str, str] | None = None) -> bytes:
        with _told():
            response = self._ask(urljoin(self._url, place), params=parameters)
            with response:
                _check(response)
                data = b"".join(_at_most(PAGE_BYTES, response.iter_content(PIECE)))
        return data

    def _ask(self, url: str, **arguments: Any) -> requests.Response:
        return self._session.get(
            url,
            timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
            stream=True,
            # Whoever answers may not send us to an address within a clinic's own network.
            allow_redirects=False,
            **arguments,
        )

    def _same_server(self, address: str) -> str:
        whole = urljoin(self._url, address)
        ours, theirs = urlsplit(self._url), urlsplit(whole)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise ArchiveRefused(
                "The next page lies on another server", expected=ours.netloc, received=theirs.netloc
            )
        return whole


def _pieces(response: requests.Response) -> Iterator[bytes]:
    # What one packet brought: `iter_content` loses what had come of a piece that breaks off.
    while True:
        with _told():
            piece = response.raw.read1(PIECE)
        if not piece:
            return
        yield piece


def _at_most(limit: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise ArchiveRefused("The answer is too large", expected=f"at most {limit} bytes")
        yield piece


def _check(response: requests.Response) -> None:
    status = response.status_code
    if status < 300:
        return
    told = " ".join(f"status {status} {response.reason}".split())
    if status in BUSY:
        raise ArchiveAway(
            "The archive is busy", expected="an answer; try again later", received=told
        )
    raise ArchiveRefused(
        "The archive does not give that", expected="a search in its own words", received=told
    )


@contextmanager
def _told() -> Iterator[None]:
    """Raises what goes wrong on the way as one of our errors, without a signed address in it."""
    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        raise ArchiveAway(
            "The archive cannot be reached, or broke off",
            expected="an answer; the same command goes on where it stopped",
            received=type(error).__name__,
        ) from error


def _name_of(result: object) -> str:
    name = result.get("isic_id") if isinstance(result, dict) else None
    return str(name)[:40] if name else "a picture without a name"


def _first(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
