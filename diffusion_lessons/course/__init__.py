"""What the lessons are made of: their exercises, and the engine that checks them."""
