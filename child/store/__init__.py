"""All SQL of the child, one concept a module, each with its own tables.

The modules are apart for a reason: what talks to the master imports `tasks` and
`departures`, and thereby cannot reach the table of pictures.
"""
