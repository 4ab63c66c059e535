"""PDF: objects, filters, encryption, and what is embedded."""
