"""Keys that a client publishes at an address of its own, and may turn without asking us (SMART App Launch 2.2, `jwks_uri`)."""
