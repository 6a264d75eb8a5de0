"""What people see of runs: their reports as pages, and beside each other."""
