"""A model that somebody imports: read as data from its file, checked, built anew, and tested under each scaling."""
