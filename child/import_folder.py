"""The folder of a site's own computer from which pictures may be imported.

The site's administrator names it when the child starts; nothing outside it can be asked for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from federated.errors import NotFound
from federated.views.imports import ImportSource, ImportSources
from imaging.readers.arrays import SUFFIXES

LISTED = 200
"""Sources that are told of."""
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", *SUFFIXES)


@dataclass(frozen=True, slots=True)
class ImportFolder:
    """Folders and archives that lie side by side in one folder.

    Attributes:
        root: The folder; None where the site has none.
    """

    root: Path | None

    def sources(self) -> ImportSources:
        """What may be imported, by name; hidden files, links and other files are left out."""
        if self.root is None:
            return ImportSources(configured=False)
        try:
            with os.scandir(self.root) as entries:
                found = sorted((one for one in entries if _usable(one)), key=lambda one: one.name)
                listed = tuple(_source(one) for one in found[:LISTED])
        except OSError:
            # A disk that is unplugged has nothing on it.
            return ImportSources(configured=True)
        return ImportSources(configured=True, sources=listed, more=len(found) > LISTED)

    def place(self, name: str) -> Path:
        """Where a source lies.

        Raises:
            NotFound: There is none of this name, or it may not be imported.
        """
        if self.root is None:
            raise NotFound(
                "This site has no folder to import from",
                expected="a child that was started with --import-folder",
                code="no_import_folder",
            )
        # Compared with what lies there, so that no name can lead anywhere else.
        try:
            with os.scandir(self.root) as entries:
                found = any(one.name == name and _usable(one) for one in entries)
        except OSError:
            found = False
        if not found:
            raise NotFound(
                "There is no such folder or archive in the import folder",
                expected="a name that GET /imports/sources tells",
                received=repr(name)[:80],
                code="unknown_source",
            )
        return self.root / name


def _usable(one: os.DirEntry[str]) -> bool:
    if one.name.startswith(".") or not one.name.isprintable():
        return False
    if one.is_dir(follow_symlinks=False):
        return True
    return one.is_file(follow_symlinks=False) and one.name.lower().endswith(ARCHIVES)


def _source(one: os.DirEntry[str]) -> ImportSource:
    if one.is_dir(follow_symlinks=False):
        return ImportSource(name=one.name, is_folder=True)
    return ImportSource(
        name=one.name, is_folder=False, size=one.stat(follow_symlinks=False).st_size
    )
