"""The REST interface of the master: thin views, one file a resource."""
