"""One function per verb: load and lock, check, write, photograph, audit, tell."""
