"""What builds the project: shipped models and the results table."""
