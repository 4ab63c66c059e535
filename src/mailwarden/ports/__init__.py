"""The few Protocols that the path needs from its adapters, and the values that they exchange.

No behaviour lives here. Start reading with `scanner`.
"""
