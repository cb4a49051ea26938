"""A patient’s choices at the desk: oppositions and consents."""
