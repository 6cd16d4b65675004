"""Small pictures that a small model can learn, and data sets of them."""

import io

import numpy as np
from PIL import Image

CLASSES = ("blue", "red")
COLOURS = {"blue": (40, 60, 200), "red": (200, 60, 40)}


def picture(label, number, side=16):
    """PNG bytes of noise around the class's colour; no two numbers give the same picture."""
    rng = np.random.default_rng([CLASSES.index(label), number])
    noise = rng.integers(-40, 41, size=(side, side, 3))
    return png(np.clip(noise + COLOURS[label], 0, 255).astype(np.uint8))


def png(pixels, **options):
    """An array as PNG bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def files(label, numbers):
    """Names and bytes of several pictures of a class."""
    return [(f"{label}.{number}.png", picture(label, number)) for number in numbers]


def write_dataset(folder, train, test, first=0):
    """Class folders with `train` pictures (a number by class) and `test` pictures a class."""
    for part, counts, start in (
        ("train", train, first),
        ("test", dict.fromkeys(CLASSES, test), first + 100_000),
    ):
        for label, count in counts.items():
            place = folder / part / label
            place.mkdir(parents=True)
            for name, data in files(label, range(start, start + count)):
                (place / name).write_bytes(data)
    return folder
