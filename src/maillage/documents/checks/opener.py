"""Run alone, as a program: `opener.py image|pdf TYPE SECONDS MEMORY PIXELS`; the file on the standard input, the answer on the standard output.

First line: `ok`, or the reason of the refusal. It imports nothing of maillage, knows no secret, and limits itself before it reads a byte:
processor time, memory, no file larger than nothing, few descriptors.
"""

from __future__ import annotations

import io
import resource
import sys
import warnings
from collections.abc import Iterator
from typing import Any, Final

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/heic": "HEIF"}
MOST_OBJECTS: Final = 500_000
DEEPEST: Final = 60
ACTIVE_KEYS: Final = frozenset({"/JS", "/JavaScript", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/RichMediaContent", "/XFA"})
ACTIVE_ACTIONS: Final = frozenset(
    {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/GoToR", "/Rendition", "/RichMediaExecute"}
)
ACTIVE_TYPES: Final = frozenset({"/EmbeddedFile", "/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"})


class Refusal(Exception):
    """Why the file is not taken."""


def limit(seconds: int, memory: int) -> None:
    """Give up, for good, all that opening a file does not need."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def image(data: bytes, kind: str, pixels: int) -> bytes:
    """The picture drawn again, upright, in sRGB: nothing but its pixels goes on."""
    from PIL import Image, ImageOps  # noqa: PLC0415  # each tool loads its own decoder, under the limits

    Image.MAX_IMAGE_PIXELS = pixels  # the library only warns, up to twice as many: here the warning is an error
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    if kind == "image/heic":
        import pi_heif  # noqa: PLC0415  # each tool loads its own decoder, under the limits

        pi_heif.register_heif_opener(thumbnails=False)
    try:
        with Image.open(io.BytesIO(data), formats=[FORMATS[kind]]) as opened:
            if opened.width * opened.height > pixels:
                raise Refusal("image-too-large")
            upright = ImageOps.exif_transpose(opened)
            return _drawn(_in_srgb(upright), "PNG" if kind == "image/png" else "JPEG")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refusal("image-too-large") from error


def _in_srgb(picture: Any) -> Any:
    """The colours as a screen shows them: the profile itself does not go on."""
    from PIL import ImageCms  # noqa: PLC0415  # each tool loads its own decoder, under the limits

    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "L"):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            return picture
    return picture


def _drawn(picture: Any, form: str) -> bytes:
    from PIL import Image  # noqa: PLC0415  # each tool loads its own decoder, under the limits

    mode = "RGB" if form == "JPEG" else picture.mode if picture.mode in ("1", "L", "LA", "RGB", "RGBA", "I;16") else "RGBA"
    picture = picture.convert(mode)
    clean = Image.frombytes(mode, picture.size, picture.tobytes())
    made = io.BytesIO()
    clean.save(made, form, **({"quality": 92, "subsampling": 0} if form == "JPEG" else {}))
    return made.getvalue()


def pdf(data: bytes) -> bytes:
    """Nothing comes back: a PDF is taken as it is, signatures and all, or not at all (ISO 32000-2, 12.6 and 7.11)."""
    import pikepdf  # noqa: PLC0415  # each tool loads its own decoder, under the limits

    if data.rpartition(b"%%EOF")[2].strip(b" \t\r\n\0"):
        raise Refusal("attachment-unsafe")  # what follows the end is for another reader than ours
    try:
        with pikepdf.open(io.BytesIO(data)) as opened:
            if opened.is_encrypted:
                raise Refusal("attachment-locked")
            for number, found in enumerate(_dictionaries(opened)):
                if number > MOST_OBJECTS or _is_active(found):
                    raise Refusal("attachment-unsafe")
    except pikepdf.PasswordError as error:
        raise Refusal("attachment-locked") from error
    return b""


def _dictionaries(opened: Any) -> Iterator[Any]:
    """Every dictionary of the file, wherever it stands; an indirect object is met once, on its own."""
    import pikepdf  # noqa: PLC0415  # each tool loads its own decoder, under the limits

    for whole in (opened.trailer, *opened.objects):
        stack = [(whole, 0)]
        while stack:
            item, depth = stack.pop()
            if depth > DEEPEST:
                raise Refusal("attachment-unsafe")
            if isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
                yield item
                stack += [(item[key], depth + 1) for key in item.keys() if not _is_elsewhere(item[key])]  # noqa: SIM118  # not a mapping
            elif isinstance(item, pikepdf.Array):
                stack += [(part, depth + 1) for part in item if not _is_elsewhere(part)]


def _is_elsewhere(item: Any) -> bool:
    return bool(getattr(item, "is_indirect", False))


def _is_active(found: Any) -> bool:
    names = {str(found.get(key)) for key in ("/S", "/Type", "/Subtype") if found.get(key) is not None}
    return bool(ACTIVE_KEYS & set(found.keys()) or (ACTIVE_ACTIONS & names) or (ACTIVE_TYPES & names))


def main(words: list[str]) -> int:
    """Open one file."""
    tool, kind, seconds, memory, pixels = words
    limit(int(seconds), int(memory))
    data = sys.stdin.buffer.read()
    try:
        made = image(data, kind, int(pixels)) if tool == "image" else pdf(data)
        answer = b"ok\n" + made
    except Refusal as refusal:
        answer = str(refusal).encode() + b"\n"
    except Exception:  # noqa: BLE001  # whatever hostile bytes do to a decoder, they are not taken
        answer = b"attachment-broken\n"
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
