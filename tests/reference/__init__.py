"""Naive oracles, apart from the product on purpose."""
