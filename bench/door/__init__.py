"""The FHIR door over sockets, against two floors of the same run. `python -m bench.door --help` tells the options."""
