"""Saved models: their cards, and their export for use elsewhere."""
