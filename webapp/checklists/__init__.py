"""Scores that a clinician fills in from what they see; no model has a part in them."""
