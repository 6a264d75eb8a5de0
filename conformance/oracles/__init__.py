"""What must come back: known answers, the inputs themselves, the model behind the target."""
