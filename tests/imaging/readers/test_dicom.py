"""DICOM files: pixels as a viewer shows them, and nothing that says who the patient is."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import PurePosixPath

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from imaging.errors import RefusedPicture
from imaging.readers import dicom
from imaging.readers.content import MemoryContent
from imaging.readers.entries import Entry
from imaging.readers.picture_formats import take_picture
from imaging.sanitise import sanitise
from imaging.source import Skipped
from tests.imaging.files import file_of, picture
from tests.imaging.readers.dicoms import NAME, dicom_file, jpeg_dicom

GREY = np.arange(0, 4096, 64, dtype=np.uint16).reshape(8, 8)


def shown(data: bytes) -> np.ndarray:
    """What the sanitiser makes of a DICOM file: uint8 (height, width), or with colours."""
    pixels = sanitise(dicom.as_png(MemoryContent(data))).pixels
    is_grey = (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0] if is_grey else pixels


def why_not(data: bytes) -> str | None:
    return dicom.why_not(MemoryContent(data))


def test_a_window_says_what_is_black_and_what_is_white() -> None:
    # PS3.3 C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + (w - 1) / 2.
    values = np.array([[0, 999, 1000, 1500, 1999, 2000, 4095]], np.uint16)
    grey = shown(dicom_file(values, WindowCenter=1500, WindowWidth=1000))
    assert grey.tolist() == [[0, 0, 0, 128, 255, 255, 255]]


def test_of_several_windows_the_first_counts() -> None:
    values = np.array([[0, 50, 100]], np.uint16)
    grey = shown(dicom_file(values, WindowCenter=[50.5, 9], WindowWidth=[101, 2]))
    assert grey.tolist() == [[0, 128, 255]]


def test_values_are_rescaled_before_the_window() -> None:
    # Hounsfield units of a CT: 24 stored is -1000, air.
    values = np.array([[-1000, 24, 524, 1024]], np.int16)
    grey = shown(
        dicom_file(
            values,
            RescaleSlope=2,
            RescaleIntercept=-1048,
            WindowCenter=0,
            WindowWidth=2000,
            VOILUTFunction="LINEAR_EXACT",
        )
    )
    assert grey.tolist() == [[0, 0, 128, 255]]


def test_a_sigmoid_window_is_symmetric() -> None:
    values = np.array([[0, 100, 200]], np.uint16)
    window = {"WindowCenter": 100, "WindowWidth": 100, "VOILUTFunction": "SIGMOID"}
    (low, middle, high) = shown(dicom_file(values, **window))[0].tolist()
    assert middle == 128
    assert low + high == 255
    assert low == round(255 / (1 + np.exp(4)))


def test_a_table_of_values_counts_before_a_window() -> None:
    table = Dataset()
    table.LUTDescriptor = [4, 10, 8]
    table.LUTData = np.array([0, 9, 90, 200], "<u2").tobytes()
    values = np.array([[0, 11, 12, 99]], np.uint16)
    grey = shown(
        dicom_file(values, VOILUTSequence=[table], WindowCenter=1, WindowWidth=1, BitsStored=12)
    )
    assert grey.tolist() == [[0, 9, 90, 200]]


def test_without_a_window_percentiles_do() -> None:
    values = np.full((20, 20), 1000, np.uint16)
    values[0], values[1], values[19, 19] = 500, 2000, 60_000
    grey = shown(dicom_file(values))
    assert grey[0, 0] == 0
    assert grey[1, 0] == 255
    assert grey[5, 5] == 85


def test_padding_around_the_picture_does_not_count() -> None:
    values = np.full((10, 10), -2000, np.int16)
    values[3:7, 3:7] = np.arange(16).reshape(4, 4)
    assert shown(dicom_file(values, PixelPaddingValue=-2000))[5, 5] > 100


def test_eight_bits_without_a_window_stay_as_they_are() -> None:
    values = np.array([[40, 41, 90]], np.uint8)
    assert shown(dicom_file(values)).tolist() == [[40, 41, 90]]


def test_monochrome1_is_inverted() -> None:
    values = np.array([[0, 10, 255]], np.uint8)
    assert shown(dicom_file(values, "MONOCHROME1")).tolist() == [[255, 245, 0]]


def test_colours_stay_colours() -> None:
    pixels = picture(9, 7)
    assert np.array_equal(shown(dicom_file(pixels, "RGB")), pixels)


def test_a_palette_is_looked_up() -> None:
    colours = {
        f"{name}PaletteColorLookupTable{what}": value
        for name, data in (
            ("Red", b"\0\0\0\xff"),
            ("Green", b"\0\x80\0\0"),
            ("Blue", b"\0\0\0\x10"),
        )
        for what, value in (("Descriptor", [2, 0, 16]), ("Data", data))
    }
    values = np.array([[0, 1, 1]], np.uint8)
    assert shown(dicom_file(values, "PALETTE COLOR", **colours)).tolist() == [
        [[0, 128, 0], [255, 0, 16], [255, 0, 16]]
    ]


def test_what_says_who_the_patient_is_never_goes_on() -> None:
    data = dicom_file(picture(9, 7), "RGB")
    assert NAME.encode() in data
    png = dicom.as_png(MemoryContent(data))
    for word in (b"Doe", b"4711", b"Clinic"):
        assert word in data
        assert word not in png


def test_a_jpeg_and_a_run_length_frame_are_read() -> None:
    pixels = picture(16, 24)
    jpeg = file_of(pixels, "JPEG", quality=95)
    assert np.abs(shown(jpeg_dicom(pixels, jpeg)).astype(int) - pixels).mean() < 8
    grey = pixels[:, :, 0]
    packed = pydicom.dcmread(io.BytesIO(dicom_file(grey)))
    packed.compress(RLELossless)
    written = io.BytesIO()
    packed.save_as(written)
    assert np.array_equal(shown(written.getvalue()), grey)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (dicom_file(GREY, NumberOfFrames=3), "several frames"),
        (dicom_file(GREY, BurnedInAnnotation="YES"), "burned into it"),
        (dicom_file(GREY, BurnedInAnnotation="YES", Modality="CT"), "burned into it"),
        (dicom_file(GREY, RecognizableVisualFeatures="YES"), "may be recognised by"),
        (
            dicom_file(GREY, RecognizableVisualFeatures="YES", BurnedInAnnotation="NO"),
            "may be recognised by",
        ),
        (dicom_file(GREY, Modality="US"), "does not say that no text"),
        (dicom_file(GREY, Modality="SC"), "is a secondary capture"),
        (dicom_file(GREY, Modality="OT", BurnedInAnnotation=""), "is of another modality"),
        (dicom_file(GREY, "XYZ"), "colours that are not read"),
        (dicom_file(GREY, syntax=JPEGLSLossless, frame=b"xx"), "packed as JPEG-LS"),
        (dicom_file(GREY, Rows=60_000, Columns=60_000), "60000 × 60000 pixels"),
        (dicom_file(GREY, Rows=0), "without a picture"),
        (dicom_file(GREY, BitsAllocated=32), "32 bits"),
        (dicom_file(GREY, SamplesPerPixel=3), "damaged"),
        (dicom_file(GREY)[:200], "damaged"),
        (b"\0" * 128 + b"DICM", "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_skipped_with_its_reason(data: bytes, reason: str) -> None:
    skipped: list[Skipped] = []
    entry = Entry(PurePosixPath("a/1.dcm"), MemoryContent(data))
    assert take_picture(entry, "a", skipped.append) is None
    assert reason in skipped[0].reason
    with pytest.raises(RefusedPicture):
        dicom.as_png(MemoryContent(data))


def test_a_deflated_file_is_not_unpacked() -> None:
    packer = zlib.compressobj(wbits=-15)
    syntax = DeflatedExplicitVRLittleEndian
    head, _, _ = dicom_file(GREY, syntax=syntax).partition(syntax.encode())
    bomb = head + syntax.encode() + packer.compress(bytes(50_000_000)) + packer.flush()
    assert why_not(bomb) == "a DICOM file that is deflated as a whole"


@pytest.mark.parametrize("modality", ["US", "SC", "OT"])
def test_what_is_often_written_on_is_read_where_it_says_that_it_is_not(modality: str) -> None:
    said = {"BurnedInAnnotation": "NO", "RecognizableVisualFeatures": "NO"}
    assert why_not(dicom_file(GREY, Modality=modality, **said)) is None


@pytest.mark.parametrize("modality", ["CT", "MR", "DX", "XC", ""])
def test_other_modalities_are_read_where_nothing_is_said(modality: str) -> None:
    assert why_not(dicom_file(GREY, Modality=modality)) is None


def element(number: int, kind: bytes, value: bytes) -> bytes:
    """An element of group 2, as the standard writes it."""
    start = struct.pack("<HH2s", 2, number, kind)
    length = struct.pack("<HI", 0, len(value)) if kind == b"OB" else struct.pack("<H", len(value))
    return start + length + value


DEFLATED = element(0x10, b"UI", DeflatedExplicitVRLittleEndian.encode())
PLAIN = element(0x10, b"UI", ExplicitVRLittleEndian.encode() + b"\0")
BEYOND = struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 8)


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        (element(1, b"OB", bytes(60_000)) + DEFLATED + BEYOND, "deflated as a whole"),
        (PLAIN + DEFLATED + BEYOND, "deflated as a whole"),
        (element(1, b"OB", bytes(70_000)) + DEFLATED + BEYOND, "group 2 is larger than 64 KiB"),
        (b"".join(element(1, b"OB", bytes(900)) for _ in range(80)) + BEYOND, "larger than 64 KiB"),
        # Of an unknown length, up to a delimiter that lies far behind.
        (b"\2\0\1\0OB\0\0\xff\xff\xff\xff" + bytes(70_000) + DEFLATED, "larger than 64 KiB"),
        (b"\2\0\1\0SQ\0\0\xff\xff\xff\xff" + PLAIN + DEFLATED, "damaged"),
        # Written as group 2 may not be, which pydicom would see through.
        (struct.pack("<HHI", 2, 0x10, 22) + DEFLATED[8:], "damaged"),
        (PLAIN, "damaged"),
    ],
    ids=["behind much", "twice", "far behind", "never", "no length", "hidden", "implicit", "cut"],
)
def test_how_a_file_is_written_is_known_before_it_is_read(group: bytes, reason: str) -> None:
    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(bytes(5_000_000)) + packer.flush()
    told = why_not(b"\0" * 128 + b"DICM" + group + bomb * (reason != "damaged"))
    assert told is not None
    assert reason in told


def test_words_that_look_like_a_transfer_syntax_are_only_words() -> None:
    assert why_not(dicom_file(GREY, StudyDescription=DeflatedExplicitVRLittleEndian)) is None


@pytest.mark.parametrize("frame", ["jpeg", "jpeg2000", "run lengths"])
def test_a_frame_that_unpacks_to_more_than_the_file_says_is_refused(frame: str) -> None:
    small = np.zeros((8, 8), np.uint8)
    if frame == "jpeg":
        data = jpeg_dicom(small, file_of(picture(64, 64)[:, :, 0], "JPEG"))
    elif frame == "jpeg2000":
        codestream = b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 41, 0, 30_000, 30_000, 0, 0)
        data = dicom_file(small, syntax=JPEG2000Lossless, frame=codestream + bytes(200))
    else:
        header = struct.pack("<16I", 1, 64, *[0] * 14)
        data = dicom_file(small, syntax=RLELossless, frame=header + b"\x81\0" * 100_000)
    assert why_not(data) is None
    with pytest.raises(RefusedPicture, match="another size"):
        dicom.as_png(MemoryContent(data))


def test_pixels_that_are_cut_short_are_refused() -> None:
    data = dicom_file(GREY)
    with pytest.raises(RefusedPicture, match="damaged or incomplete"):
        dicom.as_png(MemoryContent(data[:-40]))


@pytest.mark.parametrize(
    ("centre", "width"), [("nan", "10"), ("1", "0"), ("1", "-5"), ("1", "inf")]
)
def test_an_impossible_window_is_refused(centre: str, width: str) -> None:
    data = dicom_file(GREY, WindowCenter=1, WindowWidth=5)
    old = pydicom.dcmread(io.BytesIO(data))
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    old["WindowCenter"]._value, old["WindowWidth"]._value = centre, width
    written = io.BytesIO()
    old.save_as(written)
    with pytest.raises(RefusedPicture):
        dicom.as_png(MemoryContent(written.getvalue()))


@settings(max_examples=100)
@given(st.data())
def test_damage_is_a_refusal(data: st.DataObject) -> None:
    whole = dicom_file(GREY, WindowCenter=1500, WindowWidth=1000)
    changed = bytearray(whole[: data.draw(st.integers(132, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RefusedPicture):
        dicom.as_png(MemoryContent(bytes(changed)))
