"""Tries everything that can only be known on AWS, for whoever has an account: ``make aws``."""
