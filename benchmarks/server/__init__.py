"""The reference server beside its peers, under load."""
