"""Apps that act for the person who is signed in, and requests opened from the software of a doctor."""
