"""The fictive territory of `make demo`: real places, invented people, a past played through the real actions."""

from maillage.demonstration.past import play
from maillage.demonstration.people import load, login_lines

__all__ = ["load", "login_lines", "play"]
