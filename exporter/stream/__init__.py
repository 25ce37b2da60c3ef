"""Live account streams: the network connection and the session that feeds an account's state from it."""
