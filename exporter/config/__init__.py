"""The configuration file: strict YAML in, frozen and valid types out, every problem reported at once."""
