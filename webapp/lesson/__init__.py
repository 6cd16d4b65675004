"""The lesson: a small federation in numpy alone, by the product's own strategies and partitions.

Everything is a pure function of its settings, so that an address is enough to show it again.
"""
