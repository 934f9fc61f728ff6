"""The ways to find near-duplicates that the benchmark compares: this project's, MLlib's, datasketch's, rensa's.

Each begins with a Parquet file of texts and ends with the verified pairs of it, or with who is dropped.
"""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.corpus import sharing, texts_of
from benchmarks.processes import answers, commands
from genetic_udfs.dedup.bands import band_keys

THRESHOLD = 0.7
BANDS, ROWS = 25, 5
Pairs = dict[tuple[int, int], float]


def ours(corpus: Path) -> int:
    from pyspark.sql import functions as F

    from benchmarks.session import scratch, session
    from genetic_udfs.config import Dedup
    from genetic_udfs.dedup import near_duplicates

    spark = session(spark_driver_memory="6g", spark_sql_shuffle_partitions=8)
    texts = spark.read.parquet(str(corpus))
    none = texts.select("id", "text").where("false")
    new = texts.select("id", F.lit(0).cast("long").alias("rank"), "text")
    with scratch(spark) as space:
        return near_duplicates(new, none, Dedup(threshold=THRESHOLD), 1, space.checkpoint).dropped.count()


def mllib(corpus: Path) -> int:
    """The stock pipeline, with one hash table."""
    from pyspark.ml.feature import HashingTF, MinHashLSH, NGram
    from pyspark.sql import functions as F

    from benchmarks.session import session

    spark = session(spark_driver_memory="6g", spark_sql_shuffle_partitions=8)
    words = spark.read.parquet(str(corpus)).select("id", F.split("text", " ").alias("words"))
    grams = NGram(n=3, inputCol="words", outputCol="grams").transform(words)
    vectors = HashingTF(numFeatures=1 << 24, binary=True, inputCol="grams", outputCol="set").transform(grams)
    sets = vectors.select("id", "set").persist()
    model = MinHashLSH(inputCol="set", outputCol="hashes", numHashTables=1, seed=1).fit(sets)
    joined = model.approxSimilarityJoin(sets, sets, 1 - THRESHOLD + 1e-9)
    try:
        return joined.where("datasetA.id > datasetB.id").count()
    finally:
        sets.unpersist()


def shingle_sets(corpus: Path) -> list[list[str]]:
    found = []
    for text in texts_of(corpus):
        words = text.split()
        found.append(list({" ".join(words[at : at + 3]) for at in range(len(words) - 2)}))
    return found


def datasketch(corpus: Path) -> int:
    """One process: MinHash of text, MinHashLSH, exact similarity of what it finds."""
    from datasketch import MinHash, MinHashLSH

    sets = shingle_sets(corpus)
    lsh = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    pairs = 0
    for number, shingles in enumerate(sets):
        minhash = MinHash(num_perm=BANDS * ROWS)
        minhash.update_batch([shingle.encode() for shingle in shingles])
        pairs += len(near(sets, ((number, other) for other in lsh.query(minhash))))
        lsh.insert(number, minhash)
    return pairs


def rensa(corpus: Path) -> int:
    """One process: rensa's signatures, numpy's bands, exact similarity of what shares one."""
    from rensa import RMinHash

    sets = shingle_sets(corpus)
    signatures = np.empty((len(sets), BANDS * ROWS), np.uint64)
    for number, shingles in enumerate(sets):
        minhash = RMinHash(num_perm=BANDS * ROWS, seed=1)
        minhash.update(shingles)
        signatures[number] = minhash.digest()
    keys = band_keys(signatures.view(np.int64), BANDS, ROWS)
    owners = np.repeat(np.arange(len(sets)), BANDS)
    candidates = sharing(keys.ravel(), owners)
    return len(near(sets, candidates))


def near(sets: list[list[str]], candidates: Iterable[tuple[int, int]]) -> Pairs:
    found = {}
    for later, earlier in candidates:
        one, other = set(sets[later]), set(sets[earlier])
        shared = len(one & other)
        similarity = shared / (len(one) + len(other) - shared)
        if similarity >= THRESHOLD:
            found[later, earlier] = similarity
    return found


if __name__ == "__main__":
    way = {"ours": ours, "mllib": mllib, "datasketch": datasketch, "rensa": rensa}[sys.argv[1]]
    with answers() as answer:
        for command in commands():
            begun = time.monotonic()
            found = way(Path(command["corpus"]))
            answer(found=found, seconds=time.monotonic() - begun)
