"""The only part of the child that talks out, and the only one that may import `requests`.

It imports nothing that reads pictures: what it tells comes to it as numbers, and what it
delivers are blobs of weights. A test holds this, and every call is recorded as a departure.
"""
