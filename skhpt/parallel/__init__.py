"""Parallel: tasks are sent to workers, and updates come back. This package knows nothing of trials.

- `pool`: submits tasks to the backend of joblib that the user chose, and waits for updates of them.
- `backends`: the base class `Backend`; this thread; any backend of joblib, with a future per task
  (`retrieval`). `processes`: worker processes that can be killed one by one; `fork_server` makes them within
  milliseconds, on Linux.
- `cluster`: the base class `ClusterBackend`; `engines` chooses between `dask` and `ray`. `cluster_call`: a
  task on a worker of a cluster. `shared_values`: the data, of which each worker process has one copy.
  `versions`, `clocks`: differences between machines.
- `dask`, with `dask_cluster` (its workers), `dask_events`, `dask_values` and `dask_worker` (what runs there).
- `ray`, with `ray_resources`, `ray_waiter` (waiting for results) and `ray_signals`.
- `fit_resources`: what one fit needs. `local_workers`, `devices`: the processes and GPUs of this machine.
- `channels`: updates of tasks, and the ways on which items of a running task reach this process.
- `watchdog`: ends workers and removes their files if this process is killed. `process_tree`: kills processes
  with those that they have started. `folders`, `private_files`: temporary folders and files.
- `blas`: threads of linear algebra. `_joblib`: all private names of joblib, loky and multiprocessing.
"""
