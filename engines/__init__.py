"""Carriers of plans: what starts the parts of a federation and has them do a plan's work."""
