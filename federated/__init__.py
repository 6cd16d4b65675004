"""What both sides of a federation must agree on.

Values, messages, the wire format of weights, strategies, splits and states. Pure:
numpy (with threadpoolctl), safetensors and pydantic only, and no clock, disk, network or web
framework.
"""
