"""The figures of the book, in one style: tables and intervals in, a Matplotlib figure out.

A chapter imports the module that draws its figure, so that a change in another one does not execute it again.
"""
