"""Where a model looked: heat maps over a picture, and the picture that shows them.

`explain` chooses the method: Grad-CAM where the model has convolutions, occlusion elsewhere.
"""
