"""What both servers are made of: HTTP errors, tokens, blobs, database, worker processes.

Nothing here knows what a master or a child is.
"""
