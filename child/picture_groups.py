"""Which pictures were taken of one lesion, of one patient, or from one large picture.

Their uploader has a word for it, and the word may name a patient. So it is never kept: what is
kept is a hash of it under a secret of this site, which says no more than that two pictures had
the same word. Neither it nor the word leaves the site.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from pathlib import Path

from federated.errors import InvalidInput
from serving.tokens import mint_token, read_secret, write_secret

LONGEST_WORD = 200
"""Characters of a word."""


class PictureGroups:
    """What is kept of groups' words, under the secret in one file.

    Args:
        path: The secret's file; made, readable by its owner alone, where it is missing. Lost,
            the same words make other groups.
    """

    def __init__(self, path: Path) -> None:
        secret = read_secret(path)
        if secret is None:
            secret = mint_token()
            write_secret(path, secret)
        self._secret = secret.encode()

    def hash(self, study: str, word: str) -> str | None:
        """What is kept of a word: 64 hexadecimal digits; None for an empty word.

        The same word in two studies is told apart: groups do not link studies.

        Args:
            study: Id of the study.
            word: As `checked_word` gives it.
        """
        if not word:
            return None
        message = f"{study}/{word}".encode(errors="surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def checked_word(word: str) -> str:
    """A word as it is compared: however its letters are composed, and without space around it.

    Raises:
        InvalidInput: It is too long. What it says is not told again.
    """
    if len(word) > LONGEST_WORD:
        raise InvalidInput(
            "The word for a group is too long",
            expected=f"at most {LONGEST_WORD} characters",
            received=f"{len(word)} characters",
            code="group_too_long",
        )
    return unicodedata.normalize("NFC", word).strip()
