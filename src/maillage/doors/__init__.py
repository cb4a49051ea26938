"""What speaks to the outside: pages, the FHIR interface, connectors. No SQL, no rule."""
