"""What every part needs of Spark and of the machine: the session, Arrow rows, processes, stopping."""
