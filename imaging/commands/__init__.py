"""Commands of `python -m imaging` that work on data sets of any layout."""
