"""Genetic-Instruct as a Spark job: pandas UDFs over vLLM engines, populations as versioned Delta tables."""

__version__ = "0.1.0"
