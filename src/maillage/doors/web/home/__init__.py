"""Each role's worklists and notifications."""
