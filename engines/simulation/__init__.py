"""One plan on this machine without servers: the same trainer, strategies, splits and seeds.

What a site trains is what its child would, in the same kind of process; what the master would
average is averaged by the same functions. So a plan gives the same weights, byte for byte, as
with real servers on the same machine. No network, no database, no audit: no update is refused.
"""
