"""Folders of files elsewhere, read and written by any address that names one.

Who serves the files is a stranger: what is read comes in small pieces, each within a time,
and whoever reads decides how many. Imports no picture code.
"""

from imaging.remote.address import Address
from imaging.remote.folder import read, write
from imaging.remote.login import Login, own_login
from imaging.remote.patience import Patience, TimeLimits
from imaging.remote.stream import Stream

__all__ = ["Address", "Login", "Patience", "Stream", "TimeLimits", "own_login", "read", "write"]
