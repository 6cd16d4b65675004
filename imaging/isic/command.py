"""`python -m imaging isic`: its options, its progress bar, its last words."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from imaging.isic.archive import ARCHIVE_URL, IsicArchive, polite_session
from imaging.isic.collecting import Collection, Wanted, collect
from imaging.source import Skipped

SHOWN_SKIPS = 10


def add_isic_command(parser: argparse.ArgumentParser) -> None:
    """Gives a parser the command's options."""
    parser.description = (
        "Fetches pictures of the ISIC archive into DIR/CLASS, with metadata.csv, the licence of "
        "each picture and whom to name. Interrupted, the same command goes on."
    )
    parser.add_argument(
        "--query",
        default="",
        metavar="WORDS",
        help="a search as the archive's own page takes it, such as "
        "'age_approx:[20 TO 40] AND image_type:dermoscopic'; without it, everything",
    )
    parser.add_argument(
        "--collections", default="", metavar="N,N", help="numbers of collections to search in"
    )
    parser.add_argument(
        "--limit", type=_whole, default=0, metavar="N", help="at most so many pictures; 0 for all"
    )
    parser.add_argument(
        "--label",
        default=Wanted().label,
        metavar="FIELD",
        help="field of the metadata that names the class (%(default)s); diagnosis_3 is finer",
    )
    parser.add_argument(
        "--licences",
        default="",
        metavar="NAME,NAME",
        help="take only pictures under these, such as CC-0,CC-BY; without it, all",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to")
    parser.add_argument("--url", default=ARCHIVE_URL, help="the archive (%(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Fetches, showing a bar, and tells what came and what did not."""
    licences = tuple(filter(None, options.licences.split(",")))
    wanted = Wanted(options.query, options.collections, options.limit, options.label, licences)
    archive = IsicArchive(polite_session(), options.url)
    found = archive.count(wanted.query, wanted.collections)
    skips: list[Skipped] = []
    # With --licences the end may come before so many.
    total = min(found, wanted.limit) if wanted.limit else found
    bar: tqdm[Any]
    with tqdm(total=total, desc="Fetching", unit=" pictures", file=sys.stderr) as bar:
        result = collect(
            archive, wanted, options.out, lambda done: _to(bar, done), on_skip=skips.append
        )
    for skipped in skips[:SHOWN_SKIPS]:
        print(f"left out: {skipped.name}: {skipped.reason}", file=sys.stderr)
    if len(skips) > SHOWN_SKIPS:
        print(f"left out: {len(skips) - SHOWN_SKIPS} more", file=sys.stderr)
    print(_told(result, options.out))


def _to(bar: tqdm[Any], done: int) -> None:
    bar.update(done - bar.n)


def _told(found: Collection, folder: Path) -> str:
    if not found.labels:
        return "No picture could be used. --query or --label may say something else."
    width = max(map(len, found.labels))
    licences = ", ".join(f"{kind} ({number})" for kind, number in sorted(found.licences.items()))
    return "\n".join(
        [
            f"{sum(found.labels.values())} pictures are in {folder}, {found.fetched} of them new.",
            *(f"{name:{width}}  {number}" for name, number in sorted(found.labels.items())),
            f"Licences: {licences}. Whoever passes them on names those in attribution.txt.",
        ]
    )


def _whole(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError("should be 0 or more")
    return int(text)
