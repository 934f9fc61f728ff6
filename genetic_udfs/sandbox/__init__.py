"""Runs untrusted code, and says which tests it passes, and whether a process without the code or one with both says so.

Nothing is imported here: a zygote loads its few modules from this package with an interpreter that has no other.
"""
