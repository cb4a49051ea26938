"""Clients of the interface: software of partners, apps that act for a person; how they prove who they are, and their tokens."""
