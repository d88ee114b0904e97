"""What a camera's screen shows, part by part."""
