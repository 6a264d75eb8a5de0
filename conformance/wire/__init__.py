"""What the bytes mean: tensors, content types, scoring requests, JSON. Pure functions."""
