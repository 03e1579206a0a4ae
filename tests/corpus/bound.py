#!/usr/bin/env python3
"""How far could any rule get on a set of series, that decides while they run?

    score --set=compositions --moments=TRAIN --seeds=300 --first-seed=100000
    score --set=compositions --moments=TEST --seeds=200 --first-seed=60000
    bound.py TRAIN TEST

Gradient-boosted trees learn from the labels of TRAIN whether a series leaks at a moment, from
everything that moments.cpp could know of it then, the detector's own measurements included. They
learn the generator by heart (how often what occurs, how long warm-ups last), which a detector for
unknown programs cannot; so what they reach on TEST is near the most that is in the data. An
experiment: nothing of it is in the product. Needs Debian's python3-sklearn; no test runs it.
"""

import sys

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

THRESHOLDS = np.r_[np.arange(0.3, 0.95, 0.02), np.arange(0.95, 0.999, 0.004)]
ROUNDS = 100


class Moments:
    """Rows of score --moments, and where each series begins."""

    def __init__(self, directory=None, columns=None, rows=None):
        if directory:
            with open(directory + "/columns.txt", encoding="ascii") as file:
                columns = file.read().split()
            rows = np.fromfile(directory + "/rows.f32", dtype="<f4").reshape(-1, len(columns))
        self.columns, self.rows = columns, rows
        edges = np.flatnonzero(np.diff(rows[:, 0])) + 1
        self.starts, self.ends = np.r_[0, edges], np.r_[edges, len(rows)]

    def __getitem__(self, name):
        return self.rows[:, self.columns.index(name)]

    def known(self):
        return self.rows[:, self.columns.index("age"):]

    def leaks_now(self):
        return (self["leaks"] > 0) & (self["hours"] >= self["onset"])

    def weights(self):
        """Each series counts once."""
        counts = self.ends - self.starts
        return np.repeat(1.0 / counts, counts)

    def of(self, series):
        chosen = np.concatenate([np.arange(self.starts[s], self.ends[s]) for s in series])
        return Moments(columns=self.columns, rows=self.rows[chosen])

    def __len__(self):
        return len(self.starts)


def learn(moments):
    model = HistGradientBoostingClassifier(
        max_iter=ROUNDS, learning_rate=0.09, max_leaf_nodes=31, min_samples_leaf=60,
        l2_regularization=1, early_stopping=False, random_state=1)
    model.fit(moments.known(), moments.leaks_now(), sample_weight=moments.weights())
    return lambda other: model.predict_proba(other.known())[:, 1]


def detector_alarms(moments):
    """The row of each series' first alarm, -1 for none."""
    hours, alarm = moments["hours"], moments["detector_alarm"]
    found = []
    for start, end in zip(moments.starts, moments.ends):
        at = alarm[end - 1]
        found.append(-1 if np.isnan(at) else start + np.argmax(hours[start:end] >= at))
    return np.array(found)


def learned_alarms(moments, chances, threshold):
    """The first two moments in a row at which the chance is above the threshold."""
    found = []
    for start, end in zip(moments.starts, moments.ends):
        above = chances[start:end] >= threshold
        twice = above[1:] & above[:-1]
        found.append(start + 1 + np.argmax(twice) if twice.any() else -1)
    return np.array(found)


def hindsight(moments, chances, threshold):
    last = moments.ends - 1
    return np.where(chances[last] >= threshold, last, -1)


class Count:
    """As scoring.cpp counts; with `on_time`, what comes after a leak was due is no find."""

    def __init__(self, moments, alarms, on_time=False):
        leaks = moments["leaks"][moments.starts] > 0
        alarmed = alarms >= 0
        hours = moments["hours"][alarms]
        early = leaks & alarmed & (hours < moments["onset"][moments.starts])
        found = leaks & alarmed & ~early
        if on_time:
            found &= hours <= moments["due"][moments.starts]
        self.false, self.early = int((alarmed & ~leaks).sum()), int(early.sum())
        self.wrong = np.where(leaks, ~found, alarmed)
        self.precision = found.sum() / max(1, found.sum() + self.false + self.early)
        self.recall = found.sum() / max(1, leaks.sum())
        both = self.precision + self.recall
        self.f1 = 2 * self.precision * self.recall / both if both else 0
        used = moments["headroom"][alarms[found]]
        used = used[np.isfinite(used)]
        self.headroom = np.quantile(used, [0.5, 0.9]) if len(used) else [np.nan] * 2

    def line(self, name):
        return (f"{name:34} P {self.precision:.3f}  R {self.recall:.3f}  F1 {self.f1:.3f}  "
                f"false {self.false}, early {self.early}, "
                f"headroom {self.headroom[0]:.2f}, {self.headroom[1]:.2f}")


def best_threshold(moments, chances, rule, on_time=False):
    return max(THRESHOLDS, key=lambda t: Count(moments, rule(moments, chances, t), on_time).f1)


def print_least_headroom(moments):
    least = moments["patience_headroom"][moments.starts]
    least = least[np.isfinite(least)]
    if len(least):
        print("headroom that gate 9 alone uses, were growth known exactly: median %.2f, p90 %.2f of "
              "%d leaks" % (*np.quantile(least, [0.5, 0.9]), len(least)))


def main(train, test):
    tests = Moments(test)
    detected = detector_alarms(tests)
    print_least_headroom(tests)
    detector = Count(tests, detected)
    print(detector.line("detector"))
    print(Count(tests, detected, True).line("detector, on time"))
    if not train:
        return
    moments = Moments(train)
    order = np.random.default_rng(1).permutation(len(moments))
    held_out, rest = moments.of(order[: len(order) // 5]), order[len(order) // 5:]
    for share in (4, 1):
        fitted = moments.of(rest[: len(rest) // share])
        chance_of = learn(fitted)
        chances, held = chance_of(tests), chance_of(held_out)
        learned = Count(tests, learned_alarms(
            tests, chances, best_threshold(held_out, held, learned_alarms)))
        print(learned.line(f"learned from {len(fitted)} series"))
    on_time = best_threshold(held_out, held, learned_alarms, True)
    print(Count(tests, learned_alarms(tests, chances, on_time), True).line("learned, on time"))
    at_end = best_threshold(held_out, held, hindsight)
    print(Count(tests, hindsight(tests, chances, at_end)).line("learned, judging only at the end"))
    print(f"of {detector.wrong.sum()} mistakes of the detector the learned rule makes "
          f"{(detector.wrong & learned.wrong).sum()}, and {(learned.wrong & ~detector.wrong).sum()} "
          f"others")
    leaks = tests["leaks"][tests.starts] > 0
    false = detected[(detected >= 0) & ~leaks]
    print(f"of {len(false)} false alarms {(chances[false] >= 0.5).sum()} at moments at which most "
          f"series that look so leak")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1] if len(sys.argv) == 3 else None, sys.argv[-1])
