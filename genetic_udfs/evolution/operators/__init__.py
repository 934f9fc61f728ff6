"""How offspring come about: how many slots a round has, and the operator, task and parents of each."""
