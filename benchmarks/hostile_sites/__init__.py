"""Nodes that train honestly or attack, as light nodes of a real master."""
