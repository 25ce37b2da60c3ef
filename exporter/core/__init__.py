"""The pure middle: what an account is, what a stream can tell us, and what may be believed now."""
