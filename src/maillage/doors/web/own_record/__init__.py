"""The patient's own record, behind a strong sign-in: documents, and everybody who looked (workflow rule book 15)."""
