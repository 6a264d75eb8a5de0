"""What is asserted of an answer, and why a requirement is not tested."""
