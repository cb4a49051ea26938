"""A Unix socket for the proxy on the same machine: TCP's part of a request is saved, and file permissions say who may ask (ADR 0014)."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from maillage.cli.output import ENVIRONMENT, Failure


def bound(path: Path) -> socket.socket:
    """A socket at that path, which its owner and their group may open; one that a killed server left behind is replaced.

    Raises `Failure` where none can be made, or where another server answers.
    """
    made = socket.socket(socket.AF_UNIX)
    made.setblocking(False)
    mask = os.umask(0o117)
    try:
        _replace(path)
        made.bind(str(path))
    except OSError as error:
        made.close()
        raise Failure(f"cannot listen on the socket {path}: {error.strerror or error}", ENVIRONMENT) from error
    finally:
        os.umask(mask)
    return made


def _replace(path: Path) -> None:
    """Take away a socket behind which nobody is. Raises `OSError` where somebody is."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as asked:
        asked.setblocking(False)  # a queue that is full is somebody's too, and would be waited for
        if asked.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    path.unlink()
