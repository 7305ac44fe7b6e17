"""A model that somebody brings: read as data from its file, checked, built anew, and tested under each scaling."""
