"""Names of fragments, which say what they were cut from, and where.

A fragment's name is its picture's name without extension and its upper left corner:
`scan-7__x0128_y0000.png`. Names that Kylberg's textures have say the same in another way:
`blanket1-a-p001.png` is patch 1 of sample `a`.

References: G. Kylberg, "The Kylberg Texture Dataset v. 1.0", Uppsala University, 2011.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_FRAGMENT = re.compile(r"(?P<picture>.+)__x\d+_y\d+")
_KYLBERG = re.compile(r"(?P<label>[^-]+)-(?P<sample>[a-z])-p\d+(-r\d+)?")


def fragment_name(picture: str, left: int, top: int) -> str:
    """A fragment's file name."""
    return f"{picture}__x{left:04d}_y{top:04d}.png"


def picture_of_fragment(name: str) -> str | None:
    """What the file was cut from; `None` where its name does not say so."""
    stem = PurePosixPath(name).stem
    picture = found["picture"] if (found := _FRAGMENT.fullmatch(stem)) else None
    sample = _KYLBERG.fullmatch(picture or stem)
    return f"{sample['label']}-{sample['sample']}" if sample else picture


def kylberg_label(name: str) -> str | None:
    """The texture that a file of Kylberg's, or a fragment of one, shows; `None` for others."""
    found = re.match(_KYLBERG.pattern + r"(__|\.|$)", name)
    return found["label"] if found else None
