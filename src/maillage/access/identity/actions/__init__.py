"""What changes accounts, their places, their factors and their sessions."""
