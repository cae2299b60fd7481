"""Parallel: tasks are sent to workers, and updates come back. This package knows nothing of trials.

- `pool`: submits tasks to the backend of joblib that the user chose, and waits for updates of them.
- `backends`: the base class `Backend`; this thread; any backend of joblib, with a future per task
  (`retrieval`).
- `processes`: worker processes that can be killed one by one. `dask`: a Dask cluster.
- `channels`: updates of tasks, and the ways on which items of a running task reach this process.
- `fork_server`: makes such processes within milliseconds, on Linux.
- `watchdog`: ends workers and removes their files if this process is killed. `process_tree`: kills processes with those
  that they have started. `folders`: temporary folders.
- `_joblib`: all private names of joblib, loky and multiprocessing.
"""
