"""A quick stand-in for the simulator: mean and spread of each term of a report, as functions of a dozen parameters.

It is learnt from the table of prior simulations. What the dozen does not explain - the luck of worlds and all other
parameters, drawn from their priors - is noise to it, with a variance that may depend on the dozen and with the
correlation between terms that the table shows. Two kinds of mean are fitted, a quadratic ridge regression and bagged
neural networks, and the one that predicts runs kept aside better is taken.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["ridge", "networks"]

FOLDS: Final = 5
RIDGES: Final = (1.0, 10.0, 100.0, 1000.0)
"""Penalties tried, on features of about unit size."""
VARIANCE_RIDGE: Final = 300.0
LOG_CHI_SQUARE: Final = -1.2703628454614782
"""Mean of the logarithm of a chi-square variable of one degree of freedom."""
NETWORKS: Final = 3
HIDDEN: Final = (32, 32)
CORRELATION_KEPT: Final = 0.9
"""The rest of the residual correlation is shrunk away, so that its matrix is safely positive."""
TEST_PART: Final = 0.2
LEAST_VARIANCE: Final = 1e-6


class Mean(Protocol):
    """Predicts all terms at places of the chosen parameters, (n, n_chosen) -> (n, n_terms)."""

    def __call__(self, places: Floats) -> Floats: ...


def quadratic(places: Floats) -> Floats:
    """One, every chosen parameter, every square and every product, on the scale -1 to 1."""
    x = 2.0 * places - 1.0
    rows, columns = np.triu_indices(x.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, x[:, rows] * x[:, columns]], axis=1)


def linear(places: Floats) -> Floats:
    """One and every chosen parameter, on the scale -1 to 1."""
    return np.concatenate([np.ones((len(places), 1)), 2.0 * places - 1.0], axis=1)


def ridge(features: Floats, target: Floats, penalty: float) -> Floats:
    """Coefficients of a ridge regression whose first feature is a constant that is not penalised."""
    gram = features.T @ features
    gram[np.arange(1, len(gram)), np.arange(1, len(gram))] += penalty
    return np.asarray(np.linalg.solve(gram, features.T @ target))


@dataclass(frozen=True)
class RidgeMean:
    """Quadratic ridge regression; coefficients of shape (n_features, n_terms)."""

    coefficients: Floats

    def __call__(self, places: Floats) -> Floats:
        return np.asarray(quadratic(places) @ self.coefficients)


@dataclass(frozen=True)
class NetworkMean:
    """The mean of some neural networks; layers of each are (weights, offsets), rectified between them."""

    networks: tuple[tuple[tuple[Floats, Floats], ...], ...]
    centre: Floats
    scale: Floats

    def __call__(self, places: Floats) -> Floats:
        total = np.zeros((len(places), len(self.centre)))
        for layers in self.networks:
            x = 2.0 * places - 1.0
            for i, (weights, offsets) in enumerate(layers):
                x = x @ weights + offsets
                if i < len(layers) - 1:
                    x = np.maximum(x, 0.0)
            total += x
        return np.asarray(self.centre + self.scale * total / len(self.networks))


@dataclass(frozen=True)
class Emulator:
    """Mean, variance and residual correlation of all terms.

    Attributes:
        chosen: where the emulated parameters stand among all.
        log_variance: coefficients of the logarithm of the variance, (1 + n_chosen, n_terms).
        correlation: of what the mean leaves, (n_terms, n_terms).
    """

    kind: Kind
    chosen: NDArray[np.int64]
    mean: Mean
    log_variance: Floats
    correlation: Floats

    def variance(self, places: Floats) -> Floats:
        """Variance of each term over worlds and the other parameters, (n, n_terms)."""
        return np.asarray(np.exp(linear(places) @ self.log_variance))


@dataclass(frozen=True)
class Fit:
    """An emulator and how it did on runs kept aside.

    Attributes:
        score: mean log predictive density of a run, by kind, all terms taken as independent; larger is better.
        explained: share of the variance of each term that the mean of the taken kind explains.
        coverage: share of runs kept aside inside the central 90 % of the prediction, over all terms.
    """

    emulator: Emulator
    score: dict[str, float]
    explained: Floats
    coverage: float
    runs: int
    test_runs: int
    kinds: dict[str, Emulator] = field(default_factory=dict)


def fit(
    places: Floats,
    scaled: Floats,
    chosen: NDArray[np.int64],
    seed: int,
    kinds: tuple[Kind, ...] = ("ridge", "networks"),
) -> Fit:
    """Learn an emulator from runs.

    A fifth of the runs is kept aside to choose between the kinds; the taken kind is then learnt from all.

    Args:
        places: of all parameters, (n_runs, n_parameters).
        scaled: terms as runs show them, stabilised, (n_runs, n_terms); nan where a run is silent.
        chosen: parameters to learn from.
    """
    x = places[:, chosen]
    aside = np.zeros(len(x), dtype=bool)
    aside[np.random.default_rng([seed, 11]).permutation(len(x))[: round(TEST_PART * len(x))]] = True
    trial = {kind: _learn(kind, x[~aside], scaled[~aside], chosen, seed) for kind in kinds}
    score: dict[str, float] = {kind: _score(one, x[aside], scaled[aside]) for kind, one in trial.items()}
    best = max(kinds, key=lambda kind: score[kind])
    predicted, spread = trial[best].mean(x[aside]), np.sqrt(trial[best].variance(x[aside]))
    gap = scaled[aside] - predicted
    explained = 1.0 - np.nanmean(np.square(gap), axis=0) / np.maximum(np.nanvar(scaled[aside], axis=0), 1e-12)
    inside = np.abs(gap / spread)[~np.isnan(gap)] < 1.6448536269514722
    return Fit(
        _learn(best, x, scaled, chosen, seed),
        score,
        np.asarray(explained),
        float(inside.mean()),
        int((~aside).sum()),
        int(aside.sum()),
        {str(kind): one for kind, one in trial.items()},
    )


def _learn(kind: Kind, x: Floats, scaled: Floats, chosen: NDArray[np.int64], seed: int) -> Emulator:
    luck = np.random.default_rng([seed, 12])
    fold = luck.integers(0, FOLDS, len(x))
    smooth, penalty = _ridge_by_folds(x, scaled, fold)
    whole = np.where(np.isnan(scaled), smooth, scaled)
    mean: Mean
    if kind == "ridge":
        features = quadratic(x)
        mean = RidgeMean(
            np.stack([ridge(features, whole[:, j], penalty[j]) for j in range(whole.shape[1])], axis=1)
        )
        out_of_fold = smooth
    else:
        mean = _networks(x, whole, seed)
        out_of_fold = np.empty_like(whole)
        for k in range(2):
            there = fold % 2 == k
            out_of_fold[there] = _networks(x[~there], whole[~there], seed + 1 + k)(x[there])
    left = scaled - out_of_fold
    log_variance = _log_variance(x, left)
    standard = left / np.exp(0.5 * (linear(x) @ log_variance))
    standard = np.where(np.isnan(standard), 0.0, standard)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.atleast_2d(np.asarray(np.nan_to_num(np.corrcoef(standard.T))))
    correlation = CORRELATION_KEPT * correlation
    np.fill_diagonal(correlation, 1.0)
    return Emulator(kind, chosen, mean, log_variance, correlation)


def _ridge_by_folds(x: Floats, scaled: Floats, fold: NDArray[np.int64]) -> tuple[Floats, list[float]]:
    """Out-of-fold predictions of a quadratic ridge regression, and the best penalty of each term."""
    features = quadratic(x)
    smooth = np.empty_like(scaled)
    penalties = []
    for j in range(scaled.shape[1]):
        heard = ~np.isnan(scaled[:, j])
        best, best_error = np.zeros(len(x)), math.inf
        best_penalty = RIDGES[-1]
        for penalty in RIDGES:
            predicted = np.empty(len(x))
            for k in range(FOLDS):
                there = fold == k
                learn = heard & ~there
                predicted[there] = features[there] @ ridge(features[learn], scaled[learn, j], penalty)
            error = float(np.square(predicted - scaled[:, j])[heard].mean())
            if error < best_error:
                best, best_error, best_penalty = predicted, error, penalty
        smooth[:, j] = best
        penalties.append(best_penalty)
    return smooth, penalties


def _log_variance(x: Floats, left: Floats) -> Floats:
    """Coefficients of the log variance of what the mean left, scaled so that standardised rests have variance one."""
    features = linear(x)
    coefficients = np.empty((features.shape[1], left.shape[1]))
    for j in range(left.shape[1]):
        heard = ~np.isnan(left[:, j])
        square = np.maximum(np.square(left[heard, j]), LEAST_VARIANCE)
        found = ridge(features[heard], np.log(square) - LOG_CHI_SQUARE, VARIANCE_RIDGE)
        ratio = np.mean(square / np.exp(features[heard] @ found))
        found[0] += math.log(max(float(ratio), LEAST_VARIANCE))
        coefficients[:, j] = found
    return coefficients


def _networks(x: Floats, target: Floats, seed: int) -> NetworkMean:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    centre, scale = target.mean(axis=0), np.maximum(target.std(axis=0), 1e-9)
    z = (target - centre) / scale
    luck = np.random.default_rng([seed, 13])
    found = []
    for k in range(NETWORKS):
        bag = luck.integers(0, len(x), len(x))
        network = MLPRegressor(
            hidden_layer_sizes=HIDDEN,
            alpha=1.0,
            learning_rate_init=2e-3,
            batch_size=min(128, len(x) // 2),
            max_iter=150,
            early_stopping=True,
            validation_fraction=0.15,
            n_iter_no_change=8,
            random_state=seed % 2**31 + k,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(2.0 * x[bag] - 1.0, z[bag])
        found.append(
            tuple(zip(map(np.asarray, network.coefs_), map(np.asarray, network.intercepts_), strict=True))
        )
    return NetworkMean(tuple(found), centre, scale)


def _score(emulator: Emulator, x: Floats, scaled: Floats) -> float:
    """Mean log predictive density of a run, terms taken as independent."""
    variance = emulator.variance(x)
    gap = np.square(scaled - emulator.mean(x)) / variance
    return float(np.nansum(-0.5 * (gap + np.log(2.0 * math.pi * variance)), axis=1).mean())
