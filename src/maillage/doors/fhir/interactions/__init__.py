"""One file for each interaction of the FHIR RESTful API (https://hl7.org/fhir/R4/http.html)."""
