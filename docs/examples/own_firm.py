"""A firm with a mind of its own: subclass an agent, override one decision in plain Python, and run it with Mesa.

A method that bears the name of a rule of the schedule (``model/schedule.py``) is called in the place of that rule, once
per quarter and agent. Run it with ``python docs/examples/own_firm.py``.
"""

from __future__ import annotations

from passaat.model import firm
from passaat.model.engine.programme import Firm, Programme
from passaat.scenarios.loading import load_scenario


class PatientFirm(Firm):
    """A firm that follows up only in the second half of the year; in the first it tends to its home market."""

    def follow_up(self) -> None:
        """Decide about next steps in each market the firm considers."""
        if self.model.world.calendar.quarter_of_year[0] >= 2:
            for engagement in self.engagement_rows:
                firm.follow_up(self.model.world, engagement)


if __name__ == "__main__":
    inputs = load_scenario("pib").with_world({"n_firms": 300, "n_coordinators": 40}).inputs()
    for kind in (Firm, PatientFirm):
        programme = Programme(inputs, 1, agent_classes={"firm": kind}).run()
        contracts = sum(programme.world.engagements.contracts)
        print(f"{kind.__name__}: {contracts} contracts; {programme.firms[3]}")
