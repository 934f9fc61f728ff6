"""pass@k: how likely one of k drawn solutions of a problem is right (Chen et al. 2021, arXiv 2107.03374)."""

from collections.abc import Iterable
from math import comb


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """Return the unbiased estimate of pass@k for a problem: 1 - C(n-c, k) / C(n, k).

    Drawing k of the n samples and looking whether one is right has this expectation; 1 - (1 - c/n)^k has not.

    Args:
        samples: How many solutions were drawn, n.
        passed: How many of them are right, c.
        k: At most `samples`.

    Raises:
        ValueError: If the numbers cannot be such.
    """
    if not (0 <= passed <= samples and 1 <= k <= samples):
        raise ValueError(f"pass@{k} of {passed} right among {samples} samples: needs 0 <= c <= n and 1 <= k <= n")
    return 1.0 - comb(samples - passed, k) / comb(samples, k)


def mean_pass_at_k(passed: Iterable[int], samples: int, k: int) -> float:
    """Return the mean of pass@k over problems.

    Args:
        passed: For each problem, how many of its samples are right.
        samples: How many each has.
        k: At most `samples`.

    Raises:
        ValueError: If there is no problem, or the numbers cannot be such.
    """
    each = [pass_at_k(samples, right, k) for right in passed]
    if not each:
        raise ValueError("pass@k of no problem")
    return sum(each) / len(each)
