"""The built pixel, and what is put together of it for one site."""
