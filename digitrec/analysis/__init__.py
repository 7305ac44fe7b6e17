"""Which ink a model's prediction rests on, how robust it is to distortions, and what is computed in advance."""
