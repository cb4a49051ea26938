"""Operations (https://hl7.org/fhir/R4/operations.html): the verbs of the rooms, and the few that belong to this door."""
