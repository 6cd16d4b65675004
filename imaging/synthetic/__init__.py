"""Synthetic skin lesions, drawn by us: pictures to try, teach and test with.

They show no patient and may be shown to anyone.
"""

from imaging.synthetic.demo_set import DemoSize, write_demo_set
from imaging.synthetic.drawing import CLASSES, LesionLabel, draw_lesion

__all__ = ["CLASSES", "DemoSize", "LesionLabel", "draw_lesion", "write_demo_set"]
