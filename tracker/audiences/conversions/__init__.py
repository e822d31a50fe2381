"""Events that ad networks are told of: which, whether their person allows it, and each of them once."""
