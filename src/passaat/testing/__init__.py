"""What every driver, crew, form of reports, simulator and sampler must keep, as functions for tests of extensions.

Each function tries the promises of one kind and raises ``AssertionError`` with the promise that is broken. Nothing here
needs a test framework. passaat's own are held to them in its tests.
"""

from passaat.testing.crews import check_crew
from passaat.testing.drivers import check_driver
from passaat.testing.forms import check_form
from passaat.testing.samplers import check_sampler
from passaat.testing.simulators import check_simulator

__all__ = ["check_crew", "check_driver", "check_form", "check_sampler", "check_simulator"]
