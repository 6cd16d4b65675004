"""One architecture a file; the file's name is the architecture's name.

A file of the zoo has `ARCHITECTURE`, its entry in the catalogue, and `build`, which makes
the `models.network.Network`. It imports Keras inside functions only, so that listing the zoo
stays cheap.
"""
