"""Documents of Office and what they hide: macros, objects, links, encryption."""
