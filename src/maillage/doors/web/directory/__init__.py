"""Services of the territory."""
