"""What one chapter alone computes from published rows."""
