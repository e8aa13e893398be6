"""Models: found or made on the user's machine, read, and limited to calls of the offered tools."""
