# SPDX-License-Identifier: MIT
# A stream of items of 1 us each, at most one per core at a time, results in order. How many steps of
# the work take 1 us is measured first, on one core.
defmodule Bench.Pmap do
  import Bitwise

  @trial 2_000_000

  def main([size]) do
    n = String.to_integer(size)
    steps = calibrate()
    start = System.monotonic_time()

    done =
      1..n
      |> Task.async_stream(fn x -> work(x, steps) end)
      |> Enum.reduce(0, fn {:ok, _}, done -> done + 1 end)

    ^n = done
    seconds = (System.monotonic_time() - start) / System.convert_time_unit(1, :second, :native)
    :io.format("pmap ~.3f items/s~n", [n / seconds])
    System.halt()
  end

  defp calibrate do
    start = System.monotonic_time()
    work(1, @trial)
    ns = System.convert_time_unit(System.monotonic_time() - start, :native, :nanosecond)
    max(div(@trial * 1000, ns), 1)
  end

  # Small enough numbers to stay out of the heap.
  defp work(x, 0), do: x
  defp work(x, n), do: work(bxor(x * 5 + n, x >>> 3) &&& 0xFFFFFFFFFF, n - 1)
end
