"""What a person sees of a run: progress while it goes on, a preview before and the summary after it.

And what is read of a store: history, lineage, a comparison of two stores, agreement of judges, and the HTML report.
"""
