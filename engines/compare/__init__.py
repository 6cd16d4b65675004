"""One study, several ways: all pictures together, each site alone, federated; side by side.

Every way sees each of its pictures equally often. Cases that are finished are kept, so that a
comparison that was interrupted goes on where it was.
"""
