"""Views and table functions over a store's tables: each in an SQL file of its name, which documents its columns."""
