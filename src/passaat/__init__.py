"""passaat: compare policy options for programmes that help firms enter foreign markets together.

The parts, each a folder at the top of the repository:

- ``passaat.model``        the simulated world: firms, coordinators, liaisons, embassies, agency, clusters
- ``passaat.scenarios``    what a user edits: references, options, policy levers
- ``passaat.calibration``  the evidence, and how the model is held against it
- ``passaat.experiments``  paired comparisons, the study file, tables and figures
"""

__version__ = "0.2.0.dev0"
