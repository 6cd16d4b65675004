"""One picture at a real, warm child, beside the bare model call and the making safe of the file.

A child holds the first model of a study (`cnn10`, 96 pixels) and its pictures. Files of four
kinds, real pictures if the folder `shared/data` lies beside the project, else drawn ones:

* small: as they are, about 128 pixels a side;
* medium: enlarged to 224 × 224;
* screen: enlarged to 1600 × 1200;
* camera: enlarged to 4000 × 3000 with a little noise, as a camera of 12 megapixels sends them.

Each picture goes through the child (`POST /predict`, with and without a map), and in this process
through its parts: making the file safe, looking at its quality, the bare model call, the map.
They take turns, so that a slow minute of a shared machine hits all. What the page does with the
answer (its own smaller copy and the map over it) is measured too, and in Chromium how soon after a
picture is handed over its answer stands on the page (`benchmarks.classify_page`).
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.classify_page import ClassifyPage, classify_page
from benchmarks.dataset import draw_dataset
from benchmarks.figures import Figure, Report, ratio
from benchmarks.setting import servers, setting
from engines.processes.client import Child
from engines.processes.servers import Servers
from federated.plan import Plan
from federated.study import Study
from federated.views import Prediction
from imaging.quality import picture_quality
from imaging.resize import to_model_pixels
from imaging.sanitise import take_in
from webapp.heat_map import decoded, overlaid, shown

REAL_PICTURES = Path(__file__).resolve().parents[2] / "shared" / "data" / "skin_binary" / "test"
SIZES = {"small": None, "medium": (224, 224), "screen": (1600, 1200), "camera": (4000, 3000)}
WARM_UPS = 2
Spent = dict[str, list[float]]


def run(quick: bool) -> Report:
    """Measures every kind of file in turn."""
    repetitions = 5 if quick else 25
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_dataset(folder / "data", {"train": 120, "test": 20, "audit": 20}, size=96, seed=1)
        measured = setting(folder, folder / "data", Plan(seed=1), size=96, sites=1)
        pictures = _pictures(folder / "data", repetitions + WARM_UPS)
        bare = _Bare(measured.study, measured.plan)
        with servers(measured) as federation, Servers(folder / "page", os.environ) as page:
            ((site, child),) = federation.children.items()
            figures, kinds = [], {}
            for kind, size in SIZES.items():
                files = [_file(path, size, seed) for seed, path in enumerate(pictures)]
                kinds[kind] = files
                figures += _figures(kind, _measured(child, bare, measured.study, files))
            with classify_page(page, child.url, federation.tokens[site]) as opened:
                for kind, files in kinds.items():
                    figures += _shown(kind, opened, files, folder / "picture.jpg")
    settings = {
        "pictures": "real" if REAL_PICTURES.is_dir() else "drawn",
        "model": "cnn10, 96 pixels",
        "repetitions": repetitions,
        "load": round(os.getloadavg()[0], 1),
    }
    return Report("classify", figures, settings)


class _Bare:
    """The same model in this process, on one thread, as a child's predictor has it."""

    def __init__(self, study: Study, plan: Plan) -> None:
        # Not at the top: TensorFlow takes seconds, and must find itself configured.
        from models import runtime

        runtime.configure(1, deterministic=False)
        from models.explain.explain import explain
        from models.named import build_model
        from models.predict import predict

        self._model = build_model(study, plan.model, plan.seed)
        self._predict, self._explain = predict, explain

    def predict(self, pixels: np.ndarray) -> None:
        """The model call alone."""
        self._predict(self._model, pixels[None], batch_size=1)

    def explain(self, pixels: np.ndarray) -> None:
        """The map alone."""
        self._explain(self._model, pixels)


def _pictures(drawn: Path, number: int) -> list[Path]:
    found = sorted((REAL_PICTURES if REAL_PICTURES.is_dir() else drawn).rglob("*.*g"))
    return [found[place * 7 % len(found)] for place in range(number)]


def _file(path: Path, size: tuple[int, int] | None, seed: int) -> bytes:
    """A JPEG file of that size; enlarged ones get noise, so that they weigh what photos do."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    if size is not None:
        noise = np.random.default_rng(seed).normal(0, 4, (size[1] // 4, size[0] // 4, 3))
        grain = np.repeat(np.repeat(noise, 4, axis=0), 4, axis=1)
        pixels = np.asarray(picture.resize(size, Image.Resampling.BICUBIC)) + grain
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    return file.getvalue()


def _measured(child: Child, bare: _Bare, study: Study, files: list[bytes]) -> Spent:
    """Seconds of each part, file by file; the first files warm everything up."""
    spent: Spent = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        spent.setdefault(name, []).append(time.perf_counter() - started)

    for data in files:
        taken = take_in(data)
        pixels = to_model_pixels(taken.pixels, study.size, study.channels)
        size = (taken.width, taken.height)
        answer = _asked(child, study, data, "true")
        timed("whole", partial(_asked, child, study, data, "true"))
        timed("no_map", partial(_asked, child, study, data, "false"))
        timed("safe", partial(take_in, data))
        timed("quality", partial(picture_quality, taken.pixels, size, study.size))
        timed("bare", partial(bare.predict, pixels))
        timed("map", partial(bare.explain, pixels))
        timed("page", partial(_page, data, answer))
    return {name: seconds[WARM_UPS:] for name, seconds in spent.items()}


def _shown(kind: str, opened: ClassifyPage, files: list[bytes], path: Path) -> list[Figure]:
    """The same files on the page, one after the other."""
    shown = []
    for data in files:
        path.write_bytes(data)
        shown.append(opened.show(path))
    answers, whole = zip(*((one.answer, one.whole) for one in shown[WARM_UPS:]), strict=True)
    return [
        Figure(f"{kind}_answer", f"{kind}: in Chromium, the answer; goal 1 s", answers, "s"),
        Figure(f"{kind}_all", "  all of the page", whole, "s"),
    ]


def _asked(child: Child, study: Study, data: bytes, explain: str) -> Prediction:
    form = {"study": study.id, "explain": explain}
    files = [("file", ("picture", data))]
    return Prediction.model_validate(child.call("POST", "/predict", data=form, files=files).json())


def _page(data: bytes, answer: Prediction) -> None:
    """What the web app computes for one answer, before it is drawn."""
    picture, overlay = shown(data), decoded(answer.overlay)
    if overlay is not None:
        overlaid(picture, overlay, 0.8)


def _figures(kind: str, spent: Spent) -> list[Figure]:
    meanings = {
        "whole": "the child's answer with a map",
        "no_map": "  without a map",
        "safe": "  of it: making the file safe",
        "quality": "  of it: looking at its quality",
        "bare": "  the bare model call",
        "map": "  the bare map",
        "page": "the page's own pictures",
    }
    by_name = {
        name: Figure(f"{kind}_{name}", f"{kind}: {meaning}", tuple(spent[name]), "s")
        for name, meaning in meanings.items()
    }
    parts = zip(*(spent[name] for name in ("safe", "quality", "bare", "map")), strict=True)
    bound = Figure(f"{kind}_parts", f"{kind}: all parts", tuple(map(sum, parts)), "s")
    over = ratio(f"{kind}_ratio", f"{kind}: the answer over its parts", by_name["whole"], bound)
    return [*by_name.values(), over]
