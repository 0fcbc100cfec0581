# SPDX-License-Identifier: MIT
# Tasks: started and awaited, one at a time.
defmodule Bench.Task do
  def main([size]) do
    n = String.to_integer(size)
    start = System.monotonic_time()
    run(n)
    seconds = (System.monotonic_time() - start) / System.convert_time_unit(1, :second, :native)
    :io.format("task ~.3f tasks/s~n", [n / seconds])
    System.halt()
  end

  defp run(0), do: :ok

  defp run(n) do
    ^n = Task.await(Task.async(fn -> n end))
    run(n - 1)
  end
end
