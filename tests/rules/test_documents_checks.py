"""What is asked of a file before it is kept: real hostile files, the real decoders (OWASP ASVS 5.0, V5)."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pikepdf
import pytest
from PIL import Image
from tests.support import hostile_files as files

from maillage.documents import Antivirus, Checked, Checks, Upload, rules
from maillage.documents.checks import opening
from maillage.kernel.errors import Invalid, Unavailable

pytestmark = pytest.mark.asyncio
CHECKS = Checks(Antivirus(), opening.Limits(seconds=20))


async def check(data: bytes, declared: str, name: str = "piece") -> Checked:
    return await CHECKS.check(Upload("pieces", name, declared, data))


async def refusal(data: bytes, declared: str, checks: Checks = CHECKS) -> str:
    with pytest.raises(Invalid) as raised:
        await checks.check(Upload("pieces", "piece", declared, data))
    assert raised.value.issues[0].expression == "pieces"
    return raised.value.reason


@pytest.mark.parametrize(
    ("data", "declared"),
    [(files.pdf(), "application/pdf"), (files.CDA, "application/xml"), (files.CDA, "text/xml"), (b"Vu ce jour.\n", "text/plain")],
)
async def test_what_is_not_an_image_is_kept_as_it_came(data: bytes, declared: str) -> None:
    assert (await check(data, declared)).data == data


@pytest.mark.parametrize(
    ("data", "declared", "reason"),
    [
        (files.gps_photo(), "image/png", "attachment-differs"),
        (files.gps_photo(), "application/pdf", "attachment-differs"),
        (files.pdf(), "image/jpeg", "attachment-differs"),
        (files.pdf(), "application/octet-stream", "attachment-type"),
        (files.HTML, "text/plain", "attachment-differs"),
        (files.HTML, "image/jpeg", "attachment-differs"),
        (files.SVG, "image/svg+xml", "attachment-differs"),
        (b"MZ\x90\x00" + b"\0" * 60, "application/pdf", "attachment-type"),
        (b"GIF89a" + b"\0" * 60, "image/gif", "attachment-type"),
        (b"", "text/plain", "attachment-type"),
        ("é".encode("latin-1") + b"x", "text/plain", "attachment-type"),
        (b"a\x1b[2Jb", "text/plain", "attachment-type"),
    ],
)
async def test_class_29_a_file_is_what_it_says(data: bytes, declared: str, reason: str) -> None:
    assert await refusal(data, declared) == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (files.pdf_with_script(), "attachment-unsafe"),
        (files.pdf_with_hidden_script(), "attachment-unsafe"),
        (files.pdf_with_launch(), "attachment-unsafe"),
        (files.pdf_with_file(), "attachment-unsafe"),
        (files.pdf_and_zip(), "attachment-unsafe"),
        (files.pdf_locked(), "attachment-locked"),
        (b"%PDF-1.7\nnot one\n%%EOF", "attachment-broken"),
    ],
    ids=["script", "hidden-script", "launch", "embedded-file", "polyglot", "locked", "broken"],
)
async def test_class_29_a_pdf_that_acts_hides_or_is_locked_is_not_taken(data: bytes, reason: str) -> None:
    assert await refusal(data, "application/pdf") == reason


async def test_class_29_names_of_a_pdf_written_in_hexadecimal_are_read() -> None:
    plain = pikepdf.open(io.BytesIO(files.pdf_with_script()))
    out = io.BytesIO()
    plain.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert b"/JavaScript" in out.getvalue()
    hidden = out.getvalue().replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS ", b"/J#53 ")
    assert await refusal(hidden, "application/pdf") == "attachment-unsafe"


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_class_30_a_photo_keeps_its_orientation_and_nothing_of_its_place(orientation: int) -> None:
    sent = files.gps_photo(orientation)
    opened = Image.open(io.BytesIO(sent))
    assert opened.getexif().get_ifd(files.GPS_IFD)[2] == (48.0, 48.0, 5.5)
    assert sent.count(files.SECRET) >= 4
    made = await check(sent, "image/jpeg")
    assert files.SECRET not in made.data
    clean = Image.open(io.BytesIO(made.data))
    assert dict(clean.getexif()) == {}
    assert not {"exif", "icc_profile", "comment"} & set(clean.info)
    assert clean.size == ((40, 20) if orientation < 5 else (20, 40))
    reds = {"left": (2, None), "right": (-3, None), "top": (None, 2), "bottom": (None, -3)}
    side = {1: "left", 4: "left", 2: "right", 3: "right", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}[orientation]
    x, y = reds[side]
    pixel = clean.getpixel((clean.width // 2 if x is None else x % clean.width, clean.height // 2 if y is None else y % clean.height))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 150 > pixel[2]


async def test_class_30_the_segments_of_what_is_kept_are_those_of_a_bare_image() -> None:
    data = (await check(files.gps_photo(), "image/jpeg")).data
    place, markers = 2, []
    while data[place + 1] != 0xDA:
        markers.append(data[place + 1])
        place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
    assert set(markers) <= {0xE0, 0xDB, 0xC0, 0xC4}
    assert data.endswith(b"\xff\xd9")
    assert data.count(b"\xff\xd8\xff") == 1


async def test_class_30_the_text_the_exif_and_the_tail_of_a_png_go() -> None:
    made = await check(files.png_with_text(), "image/png")
    assert files.SECRET not in made.data
    assert made.data.endswith(b"IEND\xaeB`\x82")
    assert Image.open(io.BytesIO(made.data)).getpixel((0, 0)) == (220, 20, 20)


@pytest.mark.parametrize("data", [files.png_bomb(), files.png_bomb(side=7_200)], ids=["bomb", "large"])
async def test_class_14_an_image_with_too_many_pixels_is_not_opened(data: bytes) -> None:
    assert await refusal(data, "image/png") == "image-too-large"


async def test_class_14_what_unfolds_inside_an_image_is_not_taken() -> None:
    assert await refusal(files.png_text_bomb(), "image/png") == "attachment-broken"


async def test_class_14_an_archive_is_not_taken_and_never_opened() -> None:
    assert await refusal(files.zip_bomb(), "application/zip") == "attachment-type"
    assert await refusal(files.zip_bomb(), "application/pdf") == "attachment-type"


async def test_class_14_the_opener_has_no_more_memory_than_it_was_given() -> None:
    poor = Checks(Antivirus(), opening.Limits(seconds=20, memory=120_000_000))
    assert await refusal(files.png(size=(4500, 4500)), "image/png", poor) == "attachment-broken"


@pytest.mark.parametrize("data", [files.XXE, files.LAUGHS, files.CDA[:-20]], ids=["xxe", "laughs", "cut"])
async def test_class_13_xml_with_entities_is_refused(data: bytes) -> None:
    assert await refusal(data, "application/xml") == "attachment-unsafe"


@pytest.mark.parametrize("data", [files.SVG, b"<ClinicalDocument/>", b'<Bundle xmlns="http://hl7.org/fhir"/>'])
async def test_class_15_xml_is_a_clinical_document_or_nothing(data: bytes) -> None:
    assert await refusal(data, "text/xml") == "attachment-not-cda"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("radio genou.JPG", "radio genou.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Windows\\system32\\cmd.exe", "cmd.jpg"),
        ("..", "document.jpg"),
        ("", "document.jpg"),
        ("/etc/cron.d/", "document.jpg"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie x=1.jpg"),
        ("photo\u202egpj.exe", "photogpj.jpg"),
        ("<img src=x onerror=alert(1)>.png", "img src=x onerror=alert(1).jpg"),
        ("nul\0.png", "nul.jpg"),
        ("é" * 300 + ".heic", "é" * 110 + ".jpg"),
    ],
)
async def test_class_16_the_name_of_a_file_is_text_and_never_a_path(name: str, shown: str) -> None:
    assert rules.title_of(name, "image/jpeg") == shown


@asynccontextmanager
async def clamd(socket: Path, answer: bytes) -> AsyncIterator[list[bytes]]:
    """A scanner that speaks clamd's protocol and gives one verdict."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        parts = []
        while size := struct.unpack(">I", await reader.readexactly(4))[0]:
            parts.append(await reader.readexactly(size))
        received.append(b"".join(parts))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(socket))
    async with server:
        yield received


async def test_a_file_in_which_the_scanner_finds_something_is_not_taken(tmp_path: Path) -> None:
    data = b"Texte. " * 20_000
    async with clamd(tmp_path / "clamd", b"stream: Eicar-Signature FOUND\0") as received:
        assert await refusal(data, "text/plain", Checks(Antivirus(str(tmp_path / "clamd")), CHECKS.limits)) == "attachment-infected"
    assert received == [data]


async def test_a_file_in_which_the_scanner_finds_nothing_is_taken(tmp_path: Path) -> None:
    async with clamd(tmp_path / "clamd", b"stream: OK\0"):
        made = await Checks(Antivirus(str(tmp_path / "clamd")), CHECKS.limits).check(Upload("f", "a.txt", "text/plain", b"Texte."))
    assert made.data == b"Texte."


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"stream: OK", b""])
async def test_a_scanner_without_a_verdict_lets_nothing_in(tmp_path: Path, answer: bytes) -> None:
    async with clamd(tmp_path / "clamd", answer):
        with pytest.raises(Unavailable, match="antivirus-away"):
            await Antivirus(str(tmp_path / "clamd")).is_clean(b"x")


async def test_a_scanner_that_is_not_there_lets_nothing_in(tmp_path: Path) -> None:
    for address in (str(tmp_path / "nobody"), "127.0.0.1:1", "nowhere"):
        with pytest.raises(Unavailable, match="antivirus-away"):
            await Antivirus(address).is_clean(b"x")
