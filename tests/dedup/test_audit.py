import itertools

from genetic_udfs.dedup.audit import Audit, Audited, audit
from tests.dedup.corpora import dropped_by_definition, numbered, planted, similarity


def test_the_audit_finds_the_pairs_and_whether_one_of_both_is_gone() -> None:
    texts = numbered(planted(200, seed=8))
    dropped = dropped_by_definition(texts, [], 0.7)
    everything = [Audited(text.text, True, text.id in dropped) for text in texts]
    found = audit(everything, 0.7, 3)
    words = [(text.text or "").lower() for text in texts]
    by_words = {" ".join(text.split()): text for text in words}
    near = [(a, b) for a, b in itertools.combinations(by_words.values(), 2) if similarity(a, b) >= 0.7]
    expected = len(near) + len(words) - len(by_words)  # copies are a pair each
    assert 0.95 * expected <= found.pairs <= expected
    assert (found.texts, found.recall) == (200, 1.0)
    blind = audit([each._replace(is_dropped=False) for each in everything], 0.7, 3)
    assert (blind.pairs, blind.caught, blind.recall) == (found.pairs, 0, 0.0)


def test_the_audit_works_at_any_threshold_and_copies_are_one_pair_each() -> None:
    text = " ".join(f"word{number}" for number in range(40))
    for threshold in (1.0, 0.999, 0.9, 0.5, 0.1, 0.01):
        sample = [Audited(text, True, number > 0) for number in range(5)]
        assert audit(sample, threshold, 3) == Audit(texts=5, pairs=4, caught=4)
    near = [Audited(f"{text} {number}", True, False) for number in range(200)]
    assert audit(near, 0.7, 3).pairs <= 20 * 200


def test_texts_that_were_only_compared_with_are_no_pair_of_each_other() -> None:
    text = "one text of a few words"
    assert audit([Audited(text, False, False)] * 2, 0.7, 3) == Audit(texts=2, pairs=0, caught=0)
    assert audit([Audited(text, False, False), Audited(text, True, True)], 0.7, 3) == Audit(texts=2, pairs=1, caught=1)


def test_blank_texts_and_lone_surrogates_are_no_trouble() -> None:
    sample = [Audited(text, True, False) for text in (None, "", "  ", "\ud800 x", "\ud800 x", "!?", "!?")]
    assert audit(sample, 0.7, 3) == Audit(texts=4, pairs=2, caught=0)
    assert audit([], 0.7, 3).recall is None
