"""What a person sees of a run: progress while it goes on, and the summary at its end."""
