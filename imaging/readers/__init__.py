"""Readers of data sets: whatever they lie in, and however they say what is what.

A *place* (a folder, a ZIP or tar archive) gives files; a *layout* (class folders, labels in
file names, a table, arrays) says which of them are pictures of what. `open_dataset` recognises
both.
"""
