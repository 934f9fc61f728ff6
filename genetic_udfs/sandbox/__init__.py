"""Runs untrusted code, and says which tests it passes. The outcome is computed outside of its process.

Nothing is imported here: a zygote loads its few modules from this package with an interpreter that has no other.
"""
