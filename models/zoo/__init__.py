"""One architecture a file; the file's name is the architecture's name.

A file of the zoo has `ARCHITECTURE`, its entry in the catalogue, and `build`, a
`models.network.Build`; where the network is one of `keras.applications`, also `base`, a
`models.transfer.Base`. It imports Keras inside functions only, so that listing the zoo stays cheap.
"""
