"""What a trained model looks at, how much distortion it withstands, and what is computed of it ahead of time."""
