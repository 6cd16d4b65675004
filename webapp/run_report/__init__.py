"""A run as one file that stands by itself: what was trained, by whom, how, and how good it is."""

from webapp.run_report.run import report_of

__all__ = ["report_of"]
