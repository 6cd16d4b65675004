"""How one site trains in one round, a concept a file; `models.fit` puts them together."""
