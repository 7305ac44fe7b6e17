"""From a picture and the models to a reading."""
