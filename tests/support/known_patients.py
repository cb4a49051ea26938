"""The opened territory, where the first patients are known to the centre and to the hospital: what factories make is seen by the demonstration's people."""

from __future__ import annotations

from tests.conftest import LIMITS, MONDAY
from tests.factories.booking import patients
from tests.factories.referrals import CENTRE, HOSPITAL
from tests.journeys.conftest import opened_territory
from tests.support import postgres

from maillage import access
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock


async def known_patients(dsn: str) -> None:
    """Fill: places, people, logins and open sessions; every patient is known to both houses."""
    await opened_territory(dsn)
    db = await postgres.open_both(dsn, FixedClock(MONDAY), limits=LIMITS)
    try:
        everybody = await patients(db, 40)
        async with db.transaction(SYSTEM) as tx:
            for id in everybody:
                for house in (CENTRE, HOSPITAL):
                    await access.link(tx, id, house, "presence", f"Patient/{id}")
    finally:
        await db.close()
