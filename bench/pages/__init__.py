"""What each page of the web door costs at the size of a territory."""
