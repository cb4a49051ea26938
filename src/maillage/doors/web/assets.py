"""Style sheet, font, icon: our own files and the third-party ones brought at set-up, under one address that changes with their content."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from maillage.kernel.errors import NotFound

_SERVED = (".css", ".woff2", ".svg", ".js")
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, slots=True)
class Assets:
    """The files by name, and the hash of all of them."""

    content: dict[str, bytes]
    digest: str

    @classmethod
    def load(cls) -> Assets:
        """Read them once; there are few and they are small."""
        root = files("maillage")
        content: dict[str, bytes] = {}
        for folder in (root.joinpath("_vendor", "static"), root.joinpath("doors", "web", "static")):
            content |= {path.name: path.read_bytes() for path in _served(folder)}
        whole = hashlib.sha256()
        for name in sorted(content):
            whole.update(name.encode() + b"\0" + content[name])
        return cls(content, whole.hexdigest()[:12])

    def url(self, name: str) -> str:
        """The address of a file. Raises `KeyError` for a file that is not there, so that no page names one."""
        if name not in self.content:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"

    def answer(self, request: Request) -> Response:
        """Serve one file; it may be kept for ever only under the present hash."""
        name = request.path_params["name"]
        if name not in self.content:
            raise NotFound("file", name)
        kept = "public, max-age=31536000, immutable" if request.path_params["digest"] == self.digest else "no-cache"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(self.content[name], media_type=kind, headers={"Cache-Control": kept})


def _served(folder: Traversable) -> list[Traversable]:
    return [path for path in folder.iterdir() if path.name.endswith(_SERVED)] if folder.is_dir() else []
