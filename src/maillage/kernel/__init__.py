"""Ground without domain words: ids, clock, periods, actor, error families, transition tables."""
