"""The master's own public pictures: they judge models, and never train one."""

from __future__ import annotations

import threading
from typing import Literal

from federated.errors import InvalidInput
from federated.plan import Plan
from federated.split import rank
from federated.study import Study
from federated.views import PictureView, UploadView
from imaging.array_file import PixelArray
from imaging.errors import RefusedPicture
from imaging.labels import label_from_name
from imaging.resize import to_model_pixels
from imaging.sanitise import SanitisedPicture, sanitise
from master.services import Services
from master.store import pictures, studies
from master.store.tables import PictureRow
from serving.files import write_file

Part = Literal["audit", "test", "split"]


class Uploads:
    """Takes pictures in, one at a time: a row of the array file belongs to one of them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()

    def add(
        self, study_id: str, name: str, data: bytes, label: str | None, part: Part
    ) -> UploadView:
        """Takes one file in, or says why not.

        Args:
            study_id: The study.
            name: Name under which it was sent; it may say the label, and is not kept.
            data: The file.
            label: Its class, if given.
            part: `audit`, `test`, or `split`: half and half, by hash.

        Raises:
            NotFound: There is no such study.
        """
        with self._services.database.read() as session:
            row = studies.get(session, study_id)
            study, seed = studies.study_of(row), Plan.model_validate(row.plan).seed
        try:
            known = _label(study, name, label)
            picture = sanitise(data)
        except (RefusedPicture, InvalidInput) as error:
            return UploadView(status="refused", name=name, detail=error.detail, error=error.code)
        if part == "split":
            part = "audit" if rank(picture.sha256, seed) % 2 == 0 else "test"
        with self._lock:
            view, fresh = self._keep(study, picture, known, part)
        where = f"the {view.part} part as {view.label}"
        return UploadView(
            status="stored" if fresh else "duplicate",
            name=name,
            detail=f"Stored in {where}." if fresh else f"This picture is already in {where}.",
            picture=view,
            label_source="given" if label else "file_name",
            original=(picture.original_width, picture.original_height),
            removed=picture.removed,
        )

    def _keep(
        self, study: Study, picture: SanitisedPicture, label: str, part: str
    ) -> tuple[PictureView, bool]:
        """File, then row of pixels, then row of the table, which makes the picture real."""
        services = self._services
        with services.database.read() as session:
            known = pictures.find(session, study.id, picture.sha256)
            number = pictures.next_row(session, study.id)
        if known is not None:
            return known, False
        folder = services.state.pictures(study.id)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{picture.sha256}.png"
        try:
            write_file(path, picture.png)
            pixels = to_model_pixels(picture.pixels, study.size, study.channels)
            PixelArray(services.state.pixels(study.id), study.picture_shape).put(number, pixels)
            with services.database.write() as session:
                row = PictureRow(
                    study_id=study.id,
                    sha256=picture.sha256,
                    part=part,
                    label=label,
                    row=number,
                    width=picture.width,
                    height=picture.height,
                    added_at=services.now(),
                )
                return pictures.add(session, row), True
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _label(study: Study, name: str, label: str | None) -> str:
    """The class of a picture: as given, else as its name says.

    Raises:
        InvalidInput: The study has no such class, or the name does not say one.
    """
    if label is None:
        found = label_from_name(name, study.classes)
        if found.label is None:
            raise InvalidInput(found.detail.removesuffix("."), code="no_label")
        return found.label
    return study.known_label(label)
