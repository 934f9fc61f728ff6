"""The report of a store: one HTML file that needs nothing else. Figures are computed by Spark, all else is pure."""
