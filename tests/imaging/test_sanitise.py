"""What becomes of good, bad and hostile files at the border."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from federated.errors import FederationError, InvalidInput, TooLarge
from imaging.errors import ImagingError, OversizedPicture, RefusedPicture
from imaging.png import decode_png
from imaging.sanitise import Limits, sanitise
from tests.imaging.files import chunk, file_of, picture, png_of, with_chunks, with_segment

SECRETS = (b"Jane-Doe-1961", b"Secretcam 9000", b"Ward 7 Eastwick", b"2024:03:05")


def code_of(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(RefusedPicture) as refusal:
        sanitise(data, limits or Limits())
    assert refusal.value.detail.count("Expected") == 1
    assert refusal.value.detail.count("Received") == 1
    return refusal.value.code


def exif_with_secrets(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Model] = "Secretcam 9000"
    exif[ExifTags.Base.DateTime] = "2024:03:05 10:11:12"
    exif[ExifTags.Base.ImageDescription] = "Jane-Doe-1961"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (51.0, 28.0, 40.12)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"Ward 7 Eastwick"
    return exif


class TestGoodPictures:
    def test_a_png_keeps_its_pixels(self) -> None:
        pixels = picture(30, 40)
        kept = sanitise(file_of(pixels))
        assert np.array_equal(kept.pixels, pixels)
        assert np.array_equal(decode_png(kept.png), pixels)
        assert (kept.width, kept.height) == (40, 30)
        assert (kept.original_width, kept.original_height) == (40, 30)
        assert kept.original_format == "PNG"
        assert kept.removed == kept.changed == ()

    def test_a_jpeg_is_what_its_decoder_says_it_is(self) -> None:
        data = file_of(picture(), "JPEG", quality=90)
        with Image.open(io.BytesIO(data)) as expected:
            assert np.array_equal(sanitise(data).pixels, np.asarray(expected))

    def test_content_counts_and_not_the_name(self) -> None:
        assert sanitise(file_of(picture(), "JPEG")).original_format == "JPEG"

    def test_a_progressive_jpeg_is_accepted(self) -> None:
        assert sanitise(file_of(picture(), "JPEG", progressive=True)).width == 40

    def test_a_large_picture_is_scaled_down_and_says_so(self) -> None:
        kept = sanitise(file_of(picture(60, 90)), Limits(kept_side=45))
        assert (kept.width, kept.height) == (45, 30)
        assert (kept.original_width, kept.original_height) == (90, 60)
        assert kept.changed == ("scaled down to 45 × 30 pixels",)
        assert abs(kept.pixels.mean() - picture(60, 90).mean()) < 1

    def test_a_very_long_picture_keeps_a_row(self) -> None:
        assert sanitise(file_of(picture(1, 300)), Limits(kept_side=50)).height == 1


class TestIdentity:
    @settings(max_examples=30)
    @given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 99))
    def test_sanitising_twice_changes_nothing(self, height: int, width: int, seed: int) -> None:
        once = sanitise(file_of(picture(height, width, seed), "JPEG"))
        twice = sanitise(once.png)
        assert (twice.sha256, twice.png) == (once.sha256, once.png)

    def test_the_same_pixels_in_another_file_are_the_same_picture(self) -> None:
        pixels = picture()
        plain = sanitise(file_of(pixels))
        packed = sanitise(file_of(pixels, compress_level=9, pnginfo=_text("Comment", "x")))
        assert packed.sha256 == plain.sha256

    def test_other_pixels_and_other_shapes_are_other_pictures(self) -> None:
        pixels = picture(6, 10)
        changed = pixels.copy()
        changed[5, 9, 2] ^= 1
        hashes = {sanitise(file_of(p)).sha256 for p in (pixels, changed, pixels.reshape(10, 6, 3))}
        assert len(hashes) == 3


class TestWhatIsDropped:
    def test_a_jpeg_leaves_its_exif_comment_and_profile_behind(self) -> None:
        data = file_of(picture(), "JPEG", exif=exif_with_secrets(), comment=b"Jane-Doe-1961")
        assert all(secret in data for secret in SECRETS)
        kept = sanitise(data)
        assert not any(secret in kept.png for secret in SECRETS)
        assert set(kept.removed) >= {"GPS position", "camera model", "date and time", "comment"}

    def test_a_png_leaves_its_text_exif_and_time_behind(self) -> None:
        text = _text("Author", "Jane-Doe-1961")
        text.add_itxt("Place", "Ward 7 Eastwick", zip=False)
        data = file_of(picture(), pnginfo=text, exif=exif_with_secrets())
        data = with_chunks(data, chunk(b"tIME", struct.pack(">HBBBBB", 2024, 3, 5, 1, 2, 3)))
        assert all(secret in data for secret in SECRETS)
        kept = sanitise(data)
        assert not any(secret in kept.png for secret in SECRETS)
        assert set(kept.removed) >= {"GPS position", "camera model", "date and time", "comment"}

    def test_only_the_parts_that_make_pixels_remain(self) -> None:
        kept = sanitise(file_of(picture(), "JPEG", exif=exif_with_secrets()))
        with Image.open(io.BytesIO(kept.png)) as again:
            again.load()
            assert again.info == {}
        assert {kept.png[at - 4 : at] for at in _chunk_names(kept.png)} == {
            b"IHDR",
            b"IDAT",
            b"IEND",
        }

    def test_other_blocks_are_named(self) -> None:
        data = file_of(picture(), "JPEG")
        data = with_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
        data = with_segment(data, 0xED, b"Photoshop 3.0\0" + b"8BIM")
        data = with_segment(data, 0xE5, b"Somebody")
        assert sanitise(data).removed == ("caption", "editing history", "other data")

    def test_what_follows_the_picture_is_not_kept(self) -> None:
        for kind in ("PNG", "JPEG"):
            kept = sanitise(file_of(picture(), kind) + b"PK\x03\x04 Jane-Doe-1961")
            assert kept.removed == ("data after the picture",)
            assert b"Jane-Doe-1961" not in kept.png

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_the_orientation_is_applied_first(self, orientation: int, kind: str) -> None:
        stored = picture(20, 32)
        turned = {
            1: stored,
            2: stored[:, ::-1],
            3: stored[::-1, ::-1],
            4: stored[::-1],
            5: stored.transpose(1, 0, 2),
            6: np.rot90(stored, -1),
            7: np.rot90(stored, 2).transpose(1, 0, 2),
            8: np.rot90(stored, 1),
        }[orientation]
        kept = sanitise(file_of(stored, kind, exif=exif_with_secrets(orientation)))
        assert kept.pixels.shape == turned.shape
        assert np.abs(kept.pixels.astype(int) - turned).mean() < (1 if kind == "PNG" else 16)
        assert ("turned upright" in kept.changed) == (orientation != 1)
        assert (kept.original_width, kept.original_height) == (32, 20)

    def test_a_broken_exif_block_is_dropped_without_a_word_to_the_log(self) -> None:
        for block in (
            b"",
            b"MM",
            b"II*\0\xff\xff\xff\xff",
            b"II*\0\x08\0\0\0\xff\xff" + b"\x12" * 50,
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                data = with_segment(file_of(picture(), "JPEG"), 0xE1, b"Exif\0\0" + block)
                assert sanitise(data).width == 40


class TestColours:
    def test_grey_is_the_same_in_all_channels(self) -> None:
        kept = sanitise(file_of(picture(), mode="L"))
        assert np.array_equal(kept.pixels[:, :, 0], kept.pixels[:, :, 2])
        assert kept.changed == ("converted from grey",)

    def test_sixteen_bits_are_scaled_and_not_cut_off(self) -> None:
        values = np.array([[0, 255, 4096, 65535]], ">u2")
        kept = sanitise(png_of(4, 1, 16, 0, b"\0" + values.tobytes()))
        assert kept.pixels[0, :, 0].tolist() == [0, 0, 16, 255]

    def test_sixteen_bit_colour_too(self) -> None:
        values = np.array([[[0, 4096, 65535], [256, 512, 768]]], ">u2")
        kept = sanitise(png_of(2, 1, 16, 2, b"\0" + values.tobytes()))
        assert kept.pixels.tolist() == [[[0, 16, 255], [1, 2, 3]]]

    def test_sixteen_bit_grey_with_a_transparent_value(self) -> None:
        values = np.array([[0, 65535]], ">u2")
        data = png_of(2, 1, 16, 0, b"\0" + values.tobytes(), chunk(b"tRNS", b"\0\0"))
        assert sanitise(data).pixels.shape == (1, 2, 3)

    def test_transparency_shows_white(self) -> None:
        row = bytes([0, 200, 100, 50, 0, 200, 100, 50, 255, 200, 100, 50, 51])
        kept = sanitise(png_of(3, 1, 8, 6, row))
        assert kept.pixels[0, 0].tolist() == [255, 255, 255]
        assert kept.pixels[0, 1].tolist() == [200, 100, 50]
        assert kept.pixels[0, 2].tolist() == [244, 224, 214]  # a fifth of it, the rest white

    def test_grey_with_transparency_and_black_and_white(self) -> None:
        assert sanitise(png_of(1, 1, 8, 4, bytes([0, 9, 0]))).pixels.tolist() == [[[255] * 3]]
        assert sanitise(png_of(2, 1, 1, 0, b"\0\x40")).pixels[0, :, 1].tolist() == [0, 255]

    def test_a_palette_is_looked_up(self) -> None:
        palette = chunk(b"PLTE", bytes([1, 2, 3, 200, 100, 50]))
        kept = sanitise(png_of(2, 1, 8, 3, b"\0\x01\x00", palette))
        assert kept.pixels.tolist() == [[[200, 100, 50], [1, 2, 3]]]
        see_through = chunk(b"tRNS", b"\xff\x00")
        kept = sanitise(png_of(2, 1, 8, 3, b"\0\x01\x00", palette, see_through))
        assert kept.pixels.tolist() == [[[255, 255, 255], [1, 2, 3]]]

    def test_an_interlaced_png_is_complete_with_seven_passes(self) -> None:
        # 3 × 2 grey pixels: passes 1, 4, 6 and 7 have 1, 1, 1 and 3 of them.
        rows = b"\0\x0a" + b"\0\x1e" + b"\0\x14" + b"\0\x28\x32\x3c"
        data = png_of(3, 2, 8, 0, rows)
        header = data[16:28] + b"\1"
        data = data[:8] + chunk(b"IHDR", header) + data[33:]
        assert sanitise(data).pixels[:, :, 0].tolist() == [[10, 20, 30], [40, 50, 60]]
        short = png_of(3, 2, 8, 0, rows[:-1])
        assert code_of(data[:8] + chunk(b"IHDR", header) + short[33:]) == "truncated"

    def test_cmyk_is_converted(self) -> None:
        pixels = np.full((16, 16, 3), (200, 60, 90), np.uint8)
        kept = sanitise(file_of(pixels, "JPEG", mode="CMYK", quality=95))
        assert np.abs(kept.pixels.astype(int) - pixels).max() < 6
        assert kept.changed == ("converted from CMYK",)

    def test_a_colour_profile_is_applied(self) -> None:
        data = file_of(picture(), icc_profile=_swapped_profile())
        kept = sanitise(data)
        assert kept.removed == ("colour profile",)
        # The profile says that the red channel is blue light, and blue red.
        difference = kept.pixels[..., ::-1].astype(int) - picture()
        assert np.abs(difference).mean() < 3

    def test_a_broken_or_unfit_profile_is_ignored(self) -> None:
        pixels = picture()
        for profile in (b"not a profile", ImageCms.ImageCmsProfile(_lab()).tobytes()):
            assert np.array_equal(sanitise(file_of(pixels, icc_profile=profile)).pixels, pixels)

    def test_an_srgb_profile_changes_nothing(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        kept = sanitise(file_of(picture(), icc_profile=profile))
        assert np.array_equal(kept.pixels, picture())


def test_threads_do_not_disturb_one_another() -> None:
    files = [
        file_of(picture(60, 80, seed), kind, icc_profile=_swapped_profile())
        for seed in range(12)
        for kind in ("PNG", "JPEG")
    ]
    alone = [sanitise(data).sha256 for data in files]
    with ThreadPoolExecutor(6) as pool:
        assert [kept.sha256 for kept in pool.map(sanitise, files)] == alone


class TestRefusals:
    def test_text_called_jpg(self) -> None:
        assert code_of(b"Dear doctor, here is the picture.") == "not_a_picture"

    def test_nothing(self) -> None:
        assert code_of(b"") == "empty"

    @pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP"])
    def test_another_format_is_named(self, kind: str) -> None:
        with pytest.raises(
            RefusedPicture, match=kind.capitalize() if kind == "X" else "(?i)" + kind
        ):
            sanitise(file_of(picture(), kind))

    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
    def test_a_truncated_file(self, kind: str, share: float) -> None:
        data = file_of(picture(200, 300), kind)
        assert code_of(data[: int(len(data) * share)]) == "truncated"

    def test_a_jpeg_that_only_pretends_to_be_complete(self) -> None:
        data = file_of(picture(200, 300), "JPEG")
        assert code_of(data[:60] + b"\xff\xd9") in {"corrupt", "truncated"}

    def test_a_png_that_declares_more_rows_than_it_has(self) -> None:
        assert code_of(png_of(100, 100, 8, 0, bytes(101) * 20)) == "truncated"

    def test_picture_data_that_cannot_be_unpacked(self) -> None:
        whole = png_of(4, 4, 8, 0, bytes(20))
        broken = chunk(b"IDAT", b"\x78\x9c" + b"\xff" * 9)
        assert code_of(whole[:33] + broken + chunk(b"IEND", b"")) == "corrupt"

    def test_a_header_of_60000_by_60000(self) -> None:
        with pytest.raises(OversizedPicture, match="60000 × 60000") as refusal:
            sanitise(png_of(60_000, 60_000, 8, 2, b""))
        assert refusal.value.code == "too_many_pixels"
        assert isinstance(refusal.value, TooLarge)

    def test_a_jpeg_header_with_too_many_pixels(self) -> None:
        data = file_of(picture(), "JPEG")
        frame = data.index(b"\xff\xc0")
        huge = data[: frame + 5] + struct.pack(">HH", 65_000, 65_000) + data[frame + 9 :]
        assert code_of(huge) == "too_many_pixels"

    def test_one_side_too_long(self) -> None:
        assert code_of(file_of(picture(1, 30)), Limits(max_side=29)) == "too_many_pixels"

    def test_a_file_of_25_megabytes(self) -> None:
        assert code_of(file_of(picture()) + bytes(25_000_000)) == "too_large"

    def test_no_size(self) -> None:
        assert code_of(png_of(0, 5, 8, 0, b"")) == "corrupt"
        data = file_of(picture(), "JPEG")
        frame = data.index(b"\xff\xc0")
        assert code_of(data[: frame + 5] + bytes(4) + data[frame + 9 :]) == "corrupt"

    def test_an_animation(self) -> None:
        frames = [Image.fromarray(picture(seed=seed)) for seed in (1, 2)]
        file = io.BytesIO()
        frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
        assert code_of(file.getvalue()) == "animated"

    def test_a_flipped_bit_in_a_png(self) -> None:
        data = bytearray(file_of(picture()))
        data[len(data) // 2] ^= 4
        assert code_of(bytes(data)) == "corrupt"

    def test_a_jpeg_of_endless_passes(self) -> None:
        data = file_of(picture(), "JPEG", progressive=True)
        scan = data[data.rindex(b"\xff\xda") : -2]
        assert code_of(data[:-2] + scan * 120 + data[-2:]) == "unsupported"

    def test_a_jpeg_of_endless_comments(self) -> None:
        assert code_of(b"\xff\xd8" + b"\xff\xfe\0\2" * 20_000 + b"\xff\xd9") == "corrupt"

    def test_a_png_of_endless_parts(self) -> None:
        assert code_of(with_chunks(file_of(picture()), chunk(b"IDAT", b"") * 60_000)) == "corrupt"

    def test_a_profile_that_unpacks_to_too_much_is_ignored(self) -> None:
        bomb = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000)))
        assert sanitise(with_chunks(file_of(picture()), bomb)).removed == ("colour profile",)

    def test_a_refusal_belongs_to_the_families(self) -> None:
        assert issubclass(RefusedPicture, ImagingError)
        assert issubclass(RefusedPicture, InvalidInput)
        assert issubclass(OversizedPicture, RefusedPicture)
        assert issubclass(ImagingError, FederationError)


class TestNoiseNeverDoesMoreThanBeRefused:
    @settings(max_examples=200)
    @given(start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"]), data=st.binary())
    def test_random_bytes(self, start: bytes, data: bytes) -> None:
        with pytest.raises(RefusedPicture):
            sanitise(start + data)

    @settings(max_examples=300)
    @given(
        kind=st.sampled_from(["PNG", "JPEG"]),
        edits=st.lists(st.tuples(st.integers(2, 10**6), st.integers(0, 255)), max_size=6),
        cut=st.integers(0, 10**6),
    )
    def test_damaged_files(self, kind: str, edits: list[tuple[int, int]], cut: int) -> None:
        data = bytearray(file_of(picture(12, 17), kind, exif=exif_with_secrets(6)))
        for at, value in edits:
            data[at % len(data)] = value
        if cut % 3 == 0:
            del data[cut % len(data) :]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                kept = sanitise(bytes(data), Limits(max_pixels=10**6))
            except RefusedPicture:
                return
        assert not any(secret in kept.png for secret in SECRETS)

    @settings(max_examples=200)
    @given(
        edits=st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))),
        kind=st.sampled_from([b"IDAT", b"PLTE", b"tRNS", b"IHDR", b"eXIf", b"iCCP", b"acTL"]),
        payload=st.binary(max_size=40),
    )
    def test_parts_with_right_checksums_and_wrong_content(
        self, edits: list[tuple[int, bytes]], kind: bytes, payload: bytes
    ) -> None:
        row = bytearray(b"\0" + bytes(range(30)))
        for at, value in edits:
            row[at % len(row)] = value[0]
        data = png_of(10, 3, 8, 2, bytes(row) * 3, chunk(kind, payload))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                sanitise(data, Limits(max_pixels=10**6))
            except RefusedPicture:
                return


def _text(key: str, value: str) -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text(key, value)
    return text


def _chunk_names(png: bytes) -> list[int]:
    """Where each chunk's name ends."""
    ends, at = [], 8
    while at < len(png):
        ends.append(at + 8)
        at += 12 + int.from_bytes(png[at : at + 4])
    return ends


def _swapped_profile() -> bytes:
    """An sRGB profile with its red and blue primaries exchanged, under another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[:] = profile.replace(b"s\0R\0G\0B", b"t\0e\0s\0t")
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def _lab() -> ImageCms.core.CmsProfile:
    return ImageCms.createProfile("LAB")
