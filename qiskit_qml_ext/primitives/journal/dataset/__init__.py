"""A journal as a data set that others can read, cite and ask again: written into a folder, and read from it.

describing: What the folder says of a journal: its document, made of units.
layout: The names of its files, and the version of its schema.
privacy: What must not be in it.
proof: Whether what is said to have been asked for is what the results belong to.
reading: A folder as it was written, or an error that names the file that is not.
texts: What people and archives read: README, citation, schema.
writing: The folder, whole or not at all.
"""
