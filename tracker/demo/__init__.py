"""The sample shop: its click-stream and its pages."""
