"""One architecture a file; the file's name is the architecture's name.

A file of the zoo has `ARCHITECTURE`, its entry in the catalogue, and `build`, which makes
the model. It imports Keras inside `build` only, so that listing the zoo stays cheap.
"""
