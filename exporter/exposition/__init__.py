"""What the state looks like to a scraper."""
