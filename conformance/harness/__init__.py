"""The run: options, what is there, results and their report."""
