"""Pictures: from a stranger's bytes to the pixels that a model sees.

Sanitising, labels from file names, readers of data sets, the array file of decoded
pixels, batches of public pictures, and synthetic lesions. No web framework, no Keras.
Only `imaging.batch_server` talks to other machines, through `imaging.remote`; both import
nothing that reads pictures.
"""
