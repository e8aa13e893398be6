"""Studies: which runs the book publishes, as configurations."""
