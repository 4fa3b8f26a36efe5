"""Intervals, statistics of pairs, and laws of scaling."""
