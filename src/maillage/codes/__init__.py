"""Code systems, value sets, calendars and the FHIR R4 definitions: what a code or a URL means, nothing about what is done with it."""
