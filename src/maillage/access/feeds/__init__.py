"""Links under which an agenda programme reads the vacations of somebody's place: made, listed, ended, recognised."""

from maillage.access.feeds.actions import close_feed, feed_behind, open_feed
from maillage.access.feeds.queries import feeds_of
from maillage.access.feeds.types import LASTS, MOST, Feed

__all__ = ["LASTS", "MOST", "Feed", "close_feed", "feed_behind", "feeds_of", "open_feed"]
