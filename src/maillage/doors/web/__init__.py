"""Server-rendered pages that carry the whole loop by hand, without JavaScript."""

from maillage.doors.web.door import WebDoor

__all__ = ["WebDoor"]
