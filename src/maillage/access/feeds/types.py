"""What a link to an agenda feed is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MOST: Final = 5
LASTS: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Feed:
    """One link; its secret is known to its owner alone."""

    id: str
    role_id: str
    site_id: str | None
    made_at: datetime
    ends_at: datetime
    read_at: datetime | None
