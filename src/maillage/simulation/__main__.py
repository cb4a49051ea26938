"""Write the cache of machine code: `python -m maillage.simulation`, run at set-up."""

from __future__ import annotations

from maillage.simulation import tally, world
from maillage.simulation.parameters import shipped


def main() -> None:
    """Run a few days, which compiles whatever is not compiled yet."""
    ready = world.prepare(shipped("percy-35000-overflow"), 30)
    tally.tally(ready, world.run(ready, 1), warm_up=2)


if __name__ == "__main__":
    main()
