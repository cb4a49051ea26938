"""Finding, recording and showing a patient."""
