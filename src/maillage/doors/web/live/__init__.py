"""What others do, told to open pages: that something changed, never what."""
