"""Engine: runs a search, from the candidates of a strategy to finished trials.

Read `loop` first.

- `loop`: ask the strategy, submit candidates, wait for folds and record them, until done.
- `stopping`: limits of time, score and patience. `interrupts`: Ctrl-C.
- `evaluator`: makes tasks of candidates, sends them to the pool of workers, returns the scores of folds.
- `tasks`: the queue that decides which task is next. `in_flight`: tasks that were sent and are not done.
- `retries`: folds that are tried again after the death of a worker, and candidates that are given up.
- `racing`: candidates that are eliminated early. `shared_tasks`: candidates that share fits.
"""
