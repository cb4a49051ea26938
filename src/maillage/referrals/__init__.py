"""The referral: ask, triage, accept, redirect, see, write back, close."""
