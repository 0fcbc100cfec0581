# SPDX-License-Identifier: MIT
"""The Savina suite of actor benchmarks (Imam and Sarkar, 2014): its thirty programs as rows.

Sizes and parameters are those of its repository, but where the work says otherwise. Each value is
the mean time of some iterations in one process. The rows that messages and processes bound make
the suite's mean; in the others both languages spend their time in the same arithmetic.
"""

from harness.rows import Row


def benchmark(name, work, size, smoke, iterations=1, messages=True):
    return Row(f"savina_{name}", work, size, "ms", program=name, arguments=(str(iterations),),
               lower_is_better=True, suite="savina", smoke=smoke, messages=messages)


SAVINA = [
    benchmark("pingpong", "two actors, 40,000 pings", 40_000, 400, 12),
    benchmark("count", "1,000,000 messages to one actor", 1_000_000, 1_000, 4),
    benchmark("fjthrput", "60 actors, 10,000 messages each", 10_000, 100, 4),
    benchmark("fjcreate", "40,000 actors, a message each", 40_000, 400, 12),
    benchmark("threadring", "ring of 100 actors, 100,000 steps", 100_000, 1_000, 12),
    benchmark("chameneos", "100 creatures, 200,000 meetings", 200_000, 1_000, 4),
    benchmark("big", "120 actors, 20,000 pings each to any", 20_000, 100),
    benchmark("philosopher", "20 philosophers, 10,000 meals each", 10_000, 50, 2),
    benchmark("concdict", "dictionary: 20 workers, 10,000 requests each", 10_000, 100),
    benchmark("concsll", "sorted list: 20 workers, 8,000 requests each", 8_000, 50,
              messages=False),
    benchmark("bndbuffer", "40 producers, 40 consumers, 1,000 items each", 1_000, 4,
              messages=False),
    benchmark("barber", "barber and 5,000 customers", 5_000, 100, 4),
    benchmark("cigsmok", "200 smokers, 1,000 rounds", 1_000, 100, 12),
    benchmark("logmap", "10 series of 25,000 terms, a call for each", 25_000, 200, 2),
    benchmark("banking", "1,000 accounts, 50,000 transfers", 50_000, 500, 4),
    benchmark("radixsort", "100,000 numbers through 60 actors", 100_000, 1_000),
    benchmark("sieve", "primes below 100,000, 1,000 to an actor", 100_000, 20_000,
              messages=False),
    benchmark("uct", "unbalanced tree of 200,000 actors", 200_000, 2_000),
    benchmark("trapezoid", "area in 10,000,000 pieces, 100 workers", 10_000_000, 10_000,
              messages=False),
    benchmark("sor", "an actor for each of 20 x 20 cells, 100 times", 20, 6, 4),
    benchmark("nqueenk", "12 queens, 20 workers", 12, 7, messages=False),
    benchmark("quicksort", "1,000,000 numbers", 1_000_000, 20_000, messages=False),
    benchmark("recmatmul", "512 x 512 (Savina: 1,024), 20 workers", 512, 256, messages=False),
    benchmark("apsp", "distances in a graph of 300 nodes, 36 blocks", 300, 100, messages=False),
    benchmark("piprecision", "pi to 5,000 digits, 20 workers", 5_000, 500, messages=False),
    benchmark("astar", "a way through a grid of 30 x 30 x 30, 20 workers", 30, 10, 4,
              messages=False),
    benchmark("facloc", "100,000 customers, a tree of quadrants", 100_000, 2_000),
    benchmark("filterbank", "8 channels, filters of 2,048 (Savina: 16,384)", 2_048, 100,
              messages=False),
    benchmark("bitonicsort", "4,096 numbers, a network of actors", 4_096, 64),
    benchmark("fib", "an actor per call of fib(25)", 25, 10, 4),
]
