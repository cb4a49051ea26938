"""Sign in, sign out, and the pages that belong to nobody."""
