"""What a run needs, checked one by one before it starts. Each check looks at one thing and gives a `Finding`.

`driver.py` checks what is known without Spark; `executors.py` what a visit (`visit.py`) to each executor (`reach.py`)
saw; `storage.py` the store; `engines.py` the engines. The order, and what is left out after a failure, are those of
`commands/doctor.py`.
"""
