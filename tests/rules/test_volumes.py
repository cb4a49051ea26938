"""The mark of a volume, and the ballast that is thrown overboard on the day it is full."""

from __future__ import annotations

from pathlib import Path

from maillage.settings import DataSettings
from maillage.store.volumes import BALLAST, Space, Volumes, keep_ballast, written_to

GIB = 2**30


def volumes(space: Space, *, full_at: float = 0.9, enough: int = 0, at: float = 0.0) -> Volumes:
    return Volumes([Path("data")], DataSettings(full_at=full_at, enough_free=enough), space=lambda _: space, at=lambda: at)


def test_a_volume_is_nearly_full_from_its_mark_on() -> None:
    assert not volumes(Space(899, 101), enough=1000).nearly_full()
    assert volumes(Space(900, 100), enough=1000).nearly_full()
    assert volumes(Space(1000, 0), enough=1000).nearly_full()


def test_much_room_is_enough_whatever_part_it_is() -> None:
    assert not volumes(Space(990 * GIB, 10 * GIB), enough=10 * GIB).nearly_full()
    assert volumes(Space(990 * GIB, 9 * GIB), enough=10 * GIB).nearly_full()


def test_one_full_volume_of_several_is_enough_and_a_missing_one_is_not_told_here() -> None:
    spaces = {Path("data"): Space(1, 99), Path("log"): Space(99, 1)}
    both = Volumes(spaces, DataSettings(enough_free=50), space=spaces.__getitem__)
    assert both.nearly_full()

    def gone(_: Path) -> Space:
        raise FileNotFoundError

    assert not Volumes([Path("gone")], DataSettings(), space=gone).nearly_full()


def test_a_volume_is_looked_at_once_a_second() -> None:
    looks: list[Path] = []
    now = [0.0]

    def space(folder: Path) -> Space:
        looks.append(folder)
        return Space(99, 1)

    asked = Volumes([Path("data")], DataSettings(enough_free=50), space=space, at=lambda: now[0])
    assert [asked.nearly_full() for _ in range(50)] == [True] * 50
    assert len(looks) == 1
    now[0] = 1.0
    asked.nearly_full()
    assert len(looks) == 2


def test_the_folders_are_ours_the_clusters_and_those_that_were_named(tmp_path: Path) -> None:
    (tmp_path / "postgres.location").write_text("/elsewhere\n", encoding="utf-8")
    assert written_to(DataSettings(folder=tmp_path, watched=("/wal",))) == (tmp_path, Path("/elsewhere"), Path("/wal"))


def test_the_ballast_is_kept_where_there_is_room(tmp_path: Path) -> None:
    settings = DataSettings(folder=tmp_path, ballast=65536)
    assert not keep_ballast(settings, lambda _: Space(0, 4 * 65536 - 1)), "it would fill the volume itself"
    assert keep_ballast(settings, lambda _: Space(0, 4 * 65536))
    assert (tmp_path / BALLAST).stat().st_size == 65536
    assert (tmp_path / BALLAST).stat().st_blocks * 512 >= 65536, "its blocks are taken, not promised"
    assert keep_ballast(settings, lambda _: Space(0, 0)), "it lies there already"
    assert not keep_ballast(DataSettings(folder=tmp_path / "none", ballast=0))


def test_a_folder_that_nobody_made_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "ours"
    assert keep_ballast(DataSettings(folder=folder, ballast=4096), lambda _: Space(0, 4 * 65536))
    assert (folder / BALLAST).stat().st_size == 4096
    assert folder.stat().st_mode & 0o077 == 0
