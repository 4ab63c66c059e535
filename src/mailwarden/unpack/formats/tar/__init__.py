"""Tar, with its extended headers and sparse files."""
