"""The verbs: one file an idea, `run` and `resume` of each in the table of verbs."""
