"""Pictures: from a stranger's bytes to the pixels that a model sees.

Sanitising, labels from file names, readers of data sets, the array file of decoded
pixels, batches of public pictures, and synthetic lesions. numpy, Pillow and
safetensors only: no network, no web framework, no Keras.
"""
