"""Archives that libarchive and unar open, and compressed streams."""
