"""Direction tests: for each claim that the model represents, does the model move the way the claim says?

A direction is a paired experiment. The same world is lived twice, the second time with another situation: who is paid,
tied, absent, experienced, at war. The parameter that carries the effect is never touched, and what is read lies at
least one rule behind the rule that carries the claim. ``python -m tests.directions`` lives all worlds, judges all
directions and writes ``results.json``.
"""
