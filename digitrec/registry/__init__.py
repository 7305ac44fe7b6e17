"""Models that can be chosen: their cards, and their forms for elsewhere."""
