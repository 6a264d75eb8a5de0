"""The model's signature, told by the model itself: signature.*."""
