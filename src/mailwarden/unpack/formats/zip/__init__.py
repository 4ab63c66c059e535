"""Zip, with both of its directories."""
