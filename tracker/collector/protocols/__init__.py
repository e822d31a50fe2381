"""One dialect a file, pure: bytes in, RawEvents out."""
