"""Figures for the pages, each with a sentence that says the same."""
