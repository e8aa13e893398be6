"""The book: what executes its chapters and builds its pages, its plots, and what one chapter alone uses."""
