"""Forms that carry files (RFC 7578): read in memory under one cap, never written to a disk, no file name ever used as a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from maillage.documents import Upload
from maillage.doors.web.view import MAX_FIELDS, Values, values_of
from maillage.kernel.errors import Malformed, TooLarge

FORM = "multipart/form-data"
_LONGEST_HEADER = 4_000
_LONGEST_FIELD = 2_000_000


@dataclass(slots=True)
class _Part:
    """One part while it is read."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    name: str = ""
    file: str | None = None
    header: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))


class _Reader:
    """The handlers of one form: `limit` bounds the text of its fields, `most` the number of its files; files are bounded by the whole body."""

    def __init__(self, boundary: bytes, limit: int, most: int) -> None:
        self.limit, self.most = limit, most
        self.fields: list[tuple[str, str]] = []
        self.uploads: list[Upload] = []
        self.part = _Part()
        self.text = 0
        self.ended = False
        handlers = {
            "on_part_begin": self.begin,
            "on_header_field": self.header_name,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_headers_finished": self.named,
            "on_part_data": self.data,
            "on_part_end": self.end_part,
            "on_end": self.end,
        }
        self.parser = MultipartParser(boundary, handlers)  # type: ignore[arg-type]  # a mapping of the handlers' own names

    def begin(self) -> None:
        if len(self.fields) + len(self.uploads) >= MAX_FIELDS:
            raise Malformed.one("not-a-form")
        self.part = _Part()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._grow(self.part.header[0], data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._grow(self.part.header[1], data[start:end])

    def _grow(self, buffer: bytearray, more: bytes) -> None:
        buffer += more
        if len(buffer) > _LONGEST_HEADER or len(self.part.headers) > 8:
            raise Malformed.one("not-a-form")

    def header_end(self) -> None:
        name, value = self.part.header
        self.part.headers[bytes(name).lower()] = bytes(value)
        self.part.header = (bytearray(), bytearray())

    def named(self) -> None:
        kind, options = parse_options_header(self.part.headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise Malformed.one("not-a-form")
        self.part.name = options[b"name"].decode("utf-8", "replace")
        if b"filename" in options:
            self.part.file = options[b"filename"].decode("utf-8", "replace")

    def data(self, data: bytes, start: int, end: int) -> None:
        self.part.data += memoryview(data)[start:end]
        if self.part.file is None:
            self.text += end - start
            if self.text > min(self.limit, _LONGEST_FIELD):
                raise TooLarge("too-long-body")

    def end_part(self) -> None:
        part = self.part
        if part.file is None:
            self.fields.append((part.name, _decoded(bytes(part.data))))
        elif part.file or part.data:  # a file field that was left empty sends an empty part
            if len(self.uploads) >= self.most:
                raise TooLarge("too-many-files")
            declared = part.headers.get(b"content-type", b"").decode("latin-1")
            self.uploads.append(Upload(part.name, part.file, declared, bytes(part.data)))

    def end(self) -> None:
        self.ended = True


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed.one("not-a-form") from error


async def read_files(request: Request, limit: int, text_limit: int, most: int) -> tuple[Values, list[Upload]]:
    """The fields and the files of a form. Raises `TooLarge` as soon as the cap is passed, `Malformed`."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != FORM.encode() or not 0 < len(options.get(b"boundary", b"")) <= 70:
        raise Malformed.one("not-a-form")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise TooLarge("upload-too-large", limit=limit)
    reader, size, digest = _Reader(options[b"boundary"], text_limit, most), 0, hashlib.sha256(request.url.path.encode() + b"\0")
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise TooLarge("upload-too-large", limit=limit)
            digest.update(chunk)
            reader.parser.write(chunk)
        reader.parser.finalize()
    except MultipartParseError as error:
        raise Malformed.one("not-a-form") from error
    if not reader.ended:
        raise Malformed.one("not-a-form")
    request.state.digest = digest.hexdigest()
    return values_of(reader.fields), reader.uploads
