"""Files that do harm or tell too much, made by the tests themselves."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import pikepdf
from PIL import Image

SECRET = b"CANARI-PLACE-DES-LILAS"
ORIENTATION, GPS_IFD, MAKER_NOTE, DESCRIPTION = 0x0112, 0x8825, 0x927C, 0x010E


def picture(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Left half red, right half blue: what is turned shows."""
    made = Image.new("RGB", size, (220, 20, 20))
    made.paste((20, 20, 220), (size[0] // 2, 0, size[0], size[1]))
    return made


def gps_photo(orientation: int = 6) -> bytes:
    """A photo as a telephone takes it: turned, with its place, its maker's note, a comment and a thumbnail that says a secret, and a tail."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[DESCRIPTION] = orientation, SECRET.decode()
    exif[0x010F], exif[MAKER_NOTE] = "Fabricant", SECRET
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (48.0, 48.0, 5.5), 3: "E", 4: (2.0, 15.0, 30.1)})
    out = io.BytesIO()
    picture().save(out, "JPEG", exif=exif, quality=95, comment=SECRET)
    data = out.getvalue()
    app1 = b"Exif\0\0" + _with_thumbnail(exif.tobytes().removeprefix(b"Exif\0\0"))
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + _without_app1(data[2:]) + SECRET


def _without_app1(rest: bytes) -> bytes:
    """The segments after SOI, the first APP1 left out."""
    place = 0
    while rest[place : place + 2] != b"\xff\xe1":
        place += 2 + int(struct.unpack(">H", rest[place + 2 : place + 4])[0])
    size = 2 + int(struct.unpack(">H", rest[place + 2 : place + 4])[0])
    return rest[:place] + rest[place + size :]


def _with_thumbnail(tiff: bytes) -> bytes:
    """A second IFD behind the first: a JPEG thumbnail whose comment holds the secret."""
    order = "<" if tiff[:2] == b"II" else ">"
    small = io.BytesIO()
    picture((16, 16)).save(small, "JPEG", comment=SECRET)
    thumb = small.getvalue()
    first = int(struct.unpack(order + "I", tiff[4:8])[0])
    count = int(struct.unpack(order + "H", tiff[first : first + 2])[0])
    link, here = first + 2 + 12 * count, len(tiff)
    entries = struct.pack(order + "HHII", 0x0201, 4, 1, here + 2 + 24 + 4) + struct.pack(order + "HHII", 0x0202, 4, 1, len(thumb))
    ifd = struct.pack(order + "H", 2) + entries + struct.pack(order + "I", 0)
    return tiff[:link] + struct.pack(order + "I", here) + tiff[link + 4 :] + ifd + thumb


def png(size: tuple[int, int] = (40, 20)) -> bytes:
    out = io.BytesIO()
    picture(size).save(out, "PNG")
    return out.getvalue()


def png_with_text() -> bytes:
    """A PNG with a text chunk, an EXIF chunk, and something behind its end."""
    data = png()
    chunks = _chunk(b"tEXt", b"Comment\0" + SECRET) + _chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0" + SECRET)
    return data[:33] + chunks + data[33:] + SECRET


def png_bomb(side: int = 30_000) -> bytes:
    """A few kilobytes that are an image of 900 million pixels."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    row = b"\0" * (1 + side // 8)
    squeeze = zlib.compressobj(9)
    body = b"".join(squeeze.compress(row * 100) for _ in range(side // 100)) + squeeze.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def png_text_bomb(megabytes: int = 20) -> bytes:
    """A small picture with a compressed text chunk that unfolds to twenty megabytes."""
    data = png()
    return data[:33] + _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (megabytes << 20), 9)) + data[33:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/cron.d/x", b"0" * 20_000_000)
    return out.getvalue()


def pdf(**root: Any) -> bytes:
    """A PDF of one empty page; `root` adds to its catalogue."""
    made = pikepdf.new()
    made.add_blank_page()
    for name, value in root.items():
        made.Root[f"/{name}"] = made.make_indirect(value)
    return _saved(made)


def _saved(made: pikepdf.Pdf, **options: Any) -> bytes:
    out = io.BytesIO()
    made.save(out, **options)
    return out.getvalue()


def pdf_with_script() -> bytes:
    return pdf(OpenAction=pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)")))


def pdf_with_hidden_script() -> bytes:
    """The same, several arrays and dictionaries down, in an object stream, under a name written in hexadecimal."""
    action = pikepdf.Dictionary(
        Type=pikepdf.Name.Action, S=pikepdf.Name("/URI"), Next=pikepdf.Array([pikepdf.Dictionary(S=pikepdf.Name.JavaScript)])
    )
    made = pikepdf.new()
    made.add_blank_page()
    made.pages[0].obj["/AA"] = pikepdf.Dictionary(O=pikepdf.Array([pikepdf.Array([action])]))
    return _saved(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def pdf_with_launch() -> bytes:
    return pdf(OpenAction=pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe")))


def pdf_with_file() -> bytes:
    made = pikepdf.new()
    made.add_blank_page()
    made.attachments["outil.exe"] = b"MZ" + SECRET
    return _saved(made)


def pdf_locked() -> bytes:
    made = pikepdf.new()
    made.add_blank_page()
    return _saved(made, encryption=pikepdf.Encryption(owner="a", user=""))


def pdf_and_zip() -> bytes:
    """One file, two readers: a PDF whose tail is an archive."""
    return pdf() + zip_bomb()[:4000] + SECRET


CDA = (
    b'<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Lettre</title>'
    b"<component><nonXMLBody><text>Bonjour</text></nonXMLBody></component></ClinicalDocument>"
)
XXE = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><ClinicalDocument xmlns="urn:hl7-org:v3">&x;</ClinicalDocument>'
LAUGHS = (
    b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b'<ClinicalDocument xmlns="urn:hl7-org:v3">&c;</ClinicalDocument>'
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<html><script>alert(1)</script></html>"
