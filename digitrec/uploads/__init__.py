"""A batch of uploaded pictures: read in an isolated process, corrected, and written out."""
