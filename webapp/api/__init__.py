"""All HTTP of the web app: typed clients of the master and of the children."""

from webapp.api.child_api import ChildApi
from webapp.api.connection import ApiError, Connection
from webapp.api.master_api import MasterApi

__all__ = ["ApiError", "ChildApi", "Connection", "MasterApi"]
