"""The server of one site: it keeps the site's pictures, and trains and predicts beside them.

Pictures never leave it. The only modules that talk out are those of `child.agent`.
"""

VERSION = "0.1.0"
"""Version of this software, as the child tells it to the master and to people."""
