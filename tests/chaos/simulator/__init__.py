"""A whole company in one process: virtual time, a virtual network, and the production code between them.

Many tills and the back office act in an order drawn from a seed; messages are lost, repeated, delayed and reordered,
processes die at any statement, an old database comes back. The same seed gives the same trace.
"""
