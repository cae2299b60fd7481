"""Test bed of emulated tuning problems, on which a search of 50 candidates takes about a second.

`kinds` has estimators with wide master ranges, `tables` evaluates random candidates of them on real data sets,
`emulator` predicts scores, held-out scores and times of other candidates from a table, and `problems` makes
problems of user-like spaces inside the master ranges. The script is `regret.py`, one folder up.
"""
