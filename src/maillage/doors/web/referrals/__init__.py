"""Composing a referral, its thread, its verbs."""
