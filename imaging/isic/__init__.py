"""Pictures, labels and licences from the ISIC archive, over its public REST interface.

Not through `isic-cli`, the archive's own client: its downloads run in a pool whose errors nobody
reads, so that a picture may be missing without a word; it begins a broken picture from its first
byte; and it brings thirty packages, among them one that reports errors to a third party, which a
clinic's computer is not to do. The calls are the ones that it makes.
"""

from imaging.isic.archive import ARCHIVE_URL, IsicArchive
from imaging.isic.collecting import Collection, Wanted, collect

__all__ = ["ARCHIVE_URL", "Collection", "IsicArchive", "Wanted", "collect"]
