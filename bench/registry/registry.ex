# SPDX-License-Identifier: MIT
# A registry of 10,000 names: looked up in random order.
defmodule Bench.Registry do
  @names 10_000

  def main([size]) do
    n = String.to_integer(size)
    {:ok, _} = Registry.start_link(keys: :unique, name: Names)
    for name <- 0..(@names - 1), do: {:ok, _} = Registry.register(Names, name, nil)
    start = System.monotonic_time()
    run(n, 1)
    seconds = (System.monotonic_time() - start) / System.convert_time_unit(1, :second, :native)
    :io.format("registry ~.3f lookups/s~n", [n / seconds])
    System.halt()
  end

  defp run(0, _), do: :ok

  defp run(n, x) do
    x = rem(x * 48271, 2_147_483_647)
    [{_, nil}] = Registry.lookup(Names, rem(x, @names))
    run(n - 1, x)
  end
end
