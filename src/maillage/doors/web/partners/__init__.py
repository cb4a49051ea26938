"""The software of partners, as an administrator of an organisation looks after it."""
