"""Files of one person that are two: for who is in charge of identities."""
