"""Mail inside something, and other containers of mail programs."""
