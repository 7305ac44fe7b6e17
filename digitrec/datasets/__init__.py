"""Made training data: handwriting drawn on pages, and pictures of such pages."""
