"""The child's REST API, `/api/v1`."""
