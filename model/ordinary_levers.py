"""Ordinary practice, from which rules count what is more and what is less.

Generated from scenarios/levers.toml by `make generated`; do not edit. Ordinary is the default of a lever; of
one that changed over the years, the highest.
"""

from __future__ import annotations

from typing import Final

ORDINARY_ASSESSORS: Final = 2.0
"""Assessors per application, persons."""
ORDINARY_SELECTION_CRITERIA: Final = 15.0
"""Number of criteria, criteria."""
ORDINARY_PROGRESS_INFORMATION_SHARE: Final = 0.6
"""Quality of progress information, share."""
ORDINARY_COVENANTS_PER_MANAGER: Final = 10.0
"""Covenants per programme manager, covenants."""
ORDINARY_KNOWLEDGE_HANDOVER_SHARE: Final = 0.3
"""Knowledge handed over, share."""
ORDINARY_COVENANT_AMOUNT_EUR: Final = 350000.0
"""Amount per covenant, EUR."""
