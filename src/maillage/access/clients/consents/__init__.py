"""Consents that persons give to apps."""
