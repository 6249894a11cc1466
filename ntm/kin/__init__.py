"""The NTM's kin: one read operation under many names, each model a class of its paper's equations.

    weights = normalise(scores(queries, keys)); read = weights @ values

They differ in who asks, what is stored, who writes, over what the weights are normalised, and what
is forgotten. `look` has the operation; the other modules have the models, in the order of the
chapter "One read, many names"; `tasks` what they are tried on; `runs` makes the record.
"""
