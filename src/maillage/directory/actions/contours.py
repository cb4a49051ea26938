"""Keeping the contours of the communes that are ours."""

from __future__ import annotations

from collections.abc import Sequence

from maillage.codes.json import encode_text
from maillage.directory.contours import Contour
from maillage.store import Transaction


async def load_contours(tx: Transaction, contours: Sequence[Contour], source: str) -> tuple[list[str], list[str]]:
    """Keep the contour of each commune of the territory, the newest over the former; answers (kept, communes that the file does not draw).

    What the file draws beside the territory is left out. The map is the same as before for a commune without contour.
    """
    ours = [row["insee"] for row in await tx.fetch("SELECT insee FROM commune ORDER BY insee")]
    drawn = {one.insee: one for one in contours}
    kept = [insee for insee in ours if insee in drawn]
    await tx.executemany(
        """
        INSERT INTO commune_contour (insee, polygons, source, loaded_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (insee) DO UPDATE SET polygons = excluded.polygons, source = excluded.source, loaded_at = excluded.loaded_at
        """,
        [(insee, encode_text(drawn[insee].polygons), source, tx.now) for insee in kept],
    )
    return kept, [insee for insee in ours if insee not in drawn]
