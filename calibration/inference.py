"""The posterior of parameters given a report: first with the emulator, then corrected with real runs.

*Emulated.* The report, on the variance-stabilised scale, is normal around the emulator's mean with the emulator's
covariance (worlds and the other parameters) plus the blur of each figure's form and the discrepancy. An ensemble
sampler (emcee) walks over the dozen and the size of the discrepancy. The other parameters then follow from what the
dozen left unexplained, by a linear regression on their normal scores: mostly they stay where their priors put them.

*Corrected.* Draws are run in some worlds each, and weighted by how likely the report is given what the runs show, over
how likely the draw was proposed. Such weights are noisy, as a handful of worlds shows little of the luck there is; only
their systematic part, a regression on the parameters that is tested on draws left out, is used. It removes what the
emulator gets wrong throughout, and adds no noise of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from passaat.calibration.emulator import Emulator, ridge
from passaat.calibration.likelihood import Term
from passaat.calibration.priors import constrained, log_jacobian, unconstrained

Floats = NDArray[np.float64]

DISCREPANCY_SCALE: Final = 1.0
"""The discrepancy is half-normal with this scale, in reporting standard deviations: one is usual, three are not."""
OTHERS_RIDGE: Final = 50.0
LARGEST_DISCREPANCY: Final = 8.0
LEAST_EFFECTIVE: Final = 0.5
"""Share of the draws that the correction must leave effective; more would be the noise of a few hundred draws."""


@dataclass(frozen=True)
class Effort:
    """How long the sampler walks."""

    walkers: int = 64
    burn_in: int = 500
    steps: int = 1000
    thin: int = 10


@dataclass(frozen=True)
class Posterior:
    """Draws of the emulated posterior.

    Attributes:
        places: of the chosen parameters, (n_draws, n_chosen).
        discrepancy: of each draw.
        log_likelihood: emulated, of each draw.
        acceptance: mean share of accepted moves.
        autocorrelation: longest integrated autocorrelation time of a parameter, in steps.
    """

    places: Floats
    discrepancy: Floats
    log_likelihood: Floats
    acceptance: float
    autocorrelation: float


@dataclass(frozen=True)
class Report:
    """A report as the emulated likelihood reads it: which terms, and their reported values in natural units."""

    terms: tuple[Term, ...]
    reported: Floats

    def scaled(self) -> Floats:
        """Reported values on the stabilised scale."""
        return np.array(
            [
                float(term.stabilised(np.array([y]))[0])
                for term, y in zip(self.terms, self.reported, strict=True)
            ]
        )


def emulated_log_likelihood(
    emulator: Emulator, report: Report, use: Sequence[int] | None = None
) -> Callable[[Floats, Floats], Floats]:
    """The function (places of the chosen, discrepancy) -> emulated log likelihood of the report.

    Args:
        use: numbers of the terms that count; all by default.
    """
    used = np.arange(len(report.terms)) if use is None else np.asarray(use)
    words = np.array([i for i in used if report.terms[i].form == "words"], dtype=np.int64)
    plain = np.array([i for i in used if report.terms[i].form != "words"], dtype=np.int64)
    y = report.scaled()
    blur = np.square([term.blur for term in report.terms])
    correlation = emulator.correlation[np.ix_(plain, plain)]
    constant = -0.5 * len(plain) * math.log(2.0 * math.pi)

    def function(places: Floats, discrepancy: Floats) -> Floats:
        mean, variance = emulator.mean(places), emulator.variance(places)
        reporting = blur * (1.0 + np.square(discrepancy)[:, None])
        sd = np.sqrt(variance[:, plain])
        covariance = sd[:, :, None] * correlation * sd[:, None, :]
        covariance[:, np.arange(len(plain)), np.arange(len(plain))] += reporting[:, plain]
        lower = np.linalg.cholesky(covariance)
        gap = np.linalg.solve(lower, (y[plain] - mean[:, plain])[..., None])[..., 0]
        halved = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        total = constant - 0.5 * np.square(gap).sum(axis=1) - halved
        for i in words:
            side = np.where(y[i] < 0.5, 0.5 - mean[:, i], mean[:, i] - 0.5)
            total += log_ndtr(side / np.sqrt(variance[:, i] + reporting[:, i]))
        return np.asarray(total)

    return function


def sample(
    likelihood: Callable[[Floats, Floats], Floats], n_chosen: int, seed: int, effort: Effort
) -> Posterior:
    """Walk over the chosen parameters and the discrepancy; the same seed gives the same draws."""
    import emcee

    def log_posterior(walked: Floats) -> Floats:
        inside = (np.abs(walked[:, :-1]) < 15.0).all(axis=1) & (walked[:, -1] < math.log(LARGEST_DISCREPANCY))
        inside &= walked[:, -1] > -8.0
        discrepancy = np.exp(np.clip(walked[:, -1], -8.0, math.log(LARGEST_DISCREPANCY)))
        prior = log_jacobian(walked[:, :-1]).sum(axis=1) + walked[:, -1]
        prior -= 0.5 * np.square(discrepancy / DISCREPANCY_SCALE)
        found = likelihood(constrained(np.clip(walked[:, :-1], -15.0, 15.0)), discrepancy)
        return np.where(inside, prior + found, -np.inf)

    luck = np.random.default_rng([seed, 21])
    tried = np.column_stack(
        [
            unconstrained(luck.random((40 * effort.walkers, n_chosen))),
            np.log(
                np.clip(np.abs(luck.standard_normal(40 * effort.walkers)), 0.02, None) * DISCREPANCY_SCALE
            ),
        ]
    )
    value = likelihood(constrained(tried[:, :-1]), np.exp(tried[:, -1]))
    # Start spread out: the better half of walkers' candidates, tempered so that none dominates.
    chance = np.exp((value - value.max()) / max(1.0, float(np.std(value)) / 2.0))
    start = tried[luck.choice(len(tried), effort.walkers, replace=False, p=chance / chance.sum())]
    sampler = emcee.EnsembleSampler(
        effort.walkers,
        n_chosen + 1,
        log_posterior,
        vectorize=True,
        moves=[
            (emcee.moves.DEMove(), 0.7),
            (emcee.moves.DESnookerMove(), 0.1),
            (emcee.moves.StretchMove(), 0.2),
        ],
    )
    sampler.random_state = np.random.RandomState(seed % 2**32).get_state()
    sampler.run_mcmc(start, effort.burn_in + effort.steps)
    chain = sampler.get_chain(discard=effort.burn_in)
    flat = sampler.get_chain(discard=effort.burn_in, thin=effort.thin, flat=True)
    time = float(np.max(emcee.autocorr.integrated_time(chain, quiet=True, tol=0)))
    places, discrepancy = constrained(flat[:, :-1]), np.exp(flat[:, -1])
    return Posterior(
        places,
        discrepancy,
        likelihood(places, discrepancy),
        float(np.mean(sampler.acceptance_fraction)),
        time,
    )


# --- the other parameters --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Others:
    """What the other parameters do to the terms, roughly: linear in their normal scores.

    Attributes:
        positions: where the other parameters stand among all.
        slopes: (n_others, n_terms).
        rest: covariance of what is still unexplained, relative to the emulator's spread: a correlation-like matrix.
    """

    positions: NDArray[np.int64]
    slopes: Floats
    rest: Floats


def learn_others(emulator: Emulator, places: Floats, scaled: Floats) -> Others:
    """Regress what the dozen left, in emulated standard deviations, on the normal scores of all other parameters."""
    others = np.setdiff1d(np.arange(places.shape[1]), emulator.chosen)
    x = places[:, emulator.chosen]
    left = (scaled - emulator.mean(x)) / np.sqrt(emulator.variance(x))
    left = np.where(np.isnan(left), 0.0, left)
    scores = ndtri(places[:, others])
    features = np.column_stack([np.ones(len(x)), scores])
    slopes = ridge(features, left, OTHERS_RIDGE)[1:]
    # Slopes within twice their error of nothing are nothing: no parameter moves by chance alone.
    slopes = np.where(np.abs(slopes) > 2.5 / math.sqrt(len(x)), slopes, 0.0)
    rest = np.cov((left - scores @ slopes).T)
    return Others(others, slopes, np.atleast_2d(rest))


def propose_others(
    others: Others,
    emulator: Emulator,
    report: Report,
    posterior: Posterior,
    luck: np.random.Generator,
    use: Sequence[int] | None = None,
) -> tuple[Floats, Floats]:
    """Places of the other parameters for each draw, and the log of proposal density over prior density."""
    used = np.array(
        [i for i in (range(len(report.terms)) if use is None else use) if report.terms[i].form != "words"]
    )
    y = report.scaled()[used]
    blur = np.array([report.terms[i].blur for i in used])
    mean = emulator.mean(posterior.places)[:, used]
    sd = np.sqrt(emulator.variance(posterior.places))[:, used]
    slopes, rest = others.slopes[:, used], others.rest[np.ix_(used, used)]
    n_others = len(slopes)
    scores = np.empty((len(mean), n_others))
    log_ratio = np.empty(len(mean))
    noise = luck.standard_normal((len(mean), n_others))
    for i in range(len(mean)):
        gap = (y - mean[i]) / sd[i]
        reporting = np.square(blur / sd[i]) * (1.0 + posterior.discrepancy[i] ** 2)
        inner = np.linalg.inv(rest + np.diag(reporting))
        precision = np.eye(n_others) + slopes @ inner @ slopes.T
        lower = np.linalg.cholesky(precision)
        centre = np.linalg.solve(precision, slopes @ inner @ gap)
        scores[i] = centre + np.linalg.solve(lower.T, noise[i])
        log_ratio[i] = np.log(np.diag(lower)).sum() - 0.5 * noise[i] @ noise[i] + 0.5 * scores[i] @ scores[i]
    return np.clip(ndtr(scores), 1e-6, 1.0 - 1e-6), log_ratio


# --- the correction --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Corrected:
    """Draws over all parameters, each run in some worlds, and weighted by what the runs say.

    Attributes:
        seen: what evaluators saw, (n_draws, n_worlds, n_names).
        raw_effective: effective sample size of the weights as each draw's own runs give them: what is left if every
            bit of their noise is believed.
        effective: of the smoothed weights, which are used.
        explained: share of the variance of the raw log weights, in draws left out, that the smoothing explains; 0 or
            less: real runs show no systematic error of the emulated likelihood, and the weights are equal.
        log_weight_sd: standard deviation of the raw log weights.
        exact_effective: effective sample size of weights in the exact form of each figure, were their noise believed.
    """

    places: Floats
    discrepancy: Floats
    weights: Floats
    seen: Floats
    raw_effective: float
    effective: float
    explained: float
    log_weight_sd: float
    exact_effective: float


def effective_size(weights: Floats) -> float:
    """One over the sum of squares of the normalised weights."""
    normal = weights / weights.sum()
    return float(1.0 / np.square(normal).sum())


def real_log_likelihood(report: Report, scaled: Floats, discrepancy: Floats) -> Floats:
    """Log likelihood of the report by the runs of each draw, the luck of worlds taken as normal.

    The mean of a draw is that of its worlds; the covariance between worlds of the same parameters is pooled over all
    draws, so that a handful of worlds each is enough to know it well. Words keep their own form.

    Args:
        scaled: what runs show, stabilised, (n_draws, n_worlds, n_terms).
    """
    n, worlds, _ = scaled.shape
    plain = [i for i, term in enumerate(report.terms) if term.form != "words"]
    shown = scaled[:, :, plain]
    middle = np.nanmean(shown.reshape(n * worlds, -1), axis=0)
    heard = (~np.isnan(shown)).sum(axis=1)
    own = np.where(heard > 0, np.nansum(shown, axis=1) / np.maximum(heard, 1), middle)
    filled = np.where(np.isnan(shown), own[:, None], shown)
    mean = filled.mean(axis=1)
    left = (filled - mean[:, None]).reshape(n * worlds, -1)
    within = left.T @ left / (n * (worlds - 1))
    gap = report.scaled()[plain] - mean
    blur = np.square([report.terms[i].blur for i in plain])
    total = np.zeros(n)
    for k in range(n):
        covariance = within + np.diag(blur * (1.0 + discrepancy[k] ** 2))
        _, log_size = np.linalg.slogdet(covariance)
        total[k] = -0.5 * (gap[k] @ np.linalg.solve(covariance, gap[k]) + log_size)
    for i, term in enumerate(report.terms):
        if term.form == "words":
            total += _mean_of_worlds(term, report.reported[i], scaled[:, :, i], discrepancy)
    return total


def exact_log_likelihood(report: Report, scaled: Floats, discrepancy: Floats) -> Floats:
    """The same in the exact form of each figure, averaged over the worlds of a draw term by term.

    So noisy with a handful of worlds that it is reported, as the limit of what runs alone can say, and not used.
    """
    total = np.zeros(len(scaled))
    for i, term in enumerate(report.terms):
        total += _mean_of_worlds(term, report.reported[i], scaled[:, :, i], discrepancy)
    return total


def _mean_of_worlds(term: Term, reported: float, shown: Floats, discrepancy: Floats) -> Floats:
    each = term.log_likelihood(shown, np.broadcast_to(discrepancy[:, None], shown.shape), reported)
    top = each.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(each - top).mean(axis=1)))


def smoothed_log_weights(features: Floats, log_weights: Floats) -> tuple[Floats, float]:
    """The systematic part of noisy log weights, and the share of their variance explained in draws left out.

    A ridge regression on the standardised features, its penalty chosen by leaving out tenths; where no penalty
    explains anything, the systematic part is nothing. It is shrunk until the weights keep half of the draws effective.
    """
    n = len(log_weights)
    x = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-12)
    design = np.column_stack([np.ones(n), x])
    # Single worlds can fall far below; such log weights are pulled in, so that they do not lead the regression.
    middle, width = np.median(log_weights), np.subtract(*np.percentile(log_weights, [75, 25])) + 1e-12
    y = np.clip(log_weights, middle - 2.5 * width, middle + 2.5 * width)
    fold = np.arange(n) % 10
    best, explained = np.zeros(n), 0.0
    for penalty in (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0):
        predicted = np.empty(n)
        for k in range(10):
            there = fold == k
            predicted[there] = design[there] @ ridge(design[~there], y[~there], penalty)
        share = 1.0 - float(np.square(y - predicted).mean() / (y.var() + 1e-12))
        if share > explained:
            coefficients = ridge(design, y, penalty)
            best, explained = x @ coefficients[1:], share
    # Each coefficient carries noise, which the exponential would turn into weights for a few draws.
    while effective_size(np.exp(best - best.max())) < LEAST_EFFECTIVE * n:
        best = 0.8 * best
    return best, explained
