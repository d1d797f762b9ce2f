"""Ablations: what a choice in an iterative network's design or training is worth, by small trainings that differ in it.

    variants ──► requests ──► runs: train, measure ──► one JSON file a run ──► report: tables, pictures
       └── widths: channels for an equal size, by the planner's measures

`tools/ablate.py` is the command.
"""
