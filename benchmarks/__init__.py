"""Measured side by side: our figure, the bound, and the peer, in the same run.

`python -m benchmarks` lists them. Ratios are what counts: machines are shared and noisy.
"""
