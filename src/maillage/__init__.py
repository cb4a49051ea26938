"""maillage: city-hospital cooperation on FHIR R4, French law and French standards."""
