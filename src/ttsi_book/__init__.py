"""What the book is made with, beside the library."""
