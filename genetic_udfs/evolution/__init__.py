"""How generations come about: the loop, a generation, its rounds and stages."""
