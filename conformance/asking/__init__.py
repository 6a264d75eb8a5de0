"""How a model is asked: requests that it accepts, rows like theirs, batches."""
