"""Emergency access and its reviews."""
