"""Other systems: one folder each, in and out, and in the tests a fake of the other side."""
