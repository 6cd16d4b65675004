"""The coordinator: the one thread that moves runs and rounds from state to state.

Each step is a short function over the store; what takes time is done in the background and
wakes the coordinator when it is done.
"""
