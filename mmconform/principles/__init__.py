"""What holds of a whole API without a sentence, since its documentation contradicts itself otherwise: a module a principle.

Each compares what the server itself answered, in one run; none knows a fault. What contradicts one is a finding, and breaks no
promise.
"""
