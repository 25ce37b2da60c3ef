"""The measurements: one module for each group of rows, all of one form (see `Setting`)."""
