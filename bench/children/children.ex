# SPDX-License-Identifier: MIT
# Children of a dynamic supervisor, each a server: started and ended, one at a time.
defmodule Bench.Children do
  defmodule Child do
    use GenServer, restart: :temporary

    def start_link(arg), do: GenServer.start_link(__MODULE__, arg)
    def init(arg), do: {:ok, arg}
  end

  def main([size]) do
    n = String.to_integer(size)
    {:ok, sup} = DynamicSupervisor.start_link(strategy: :one_for_one)
    start = System.monotonic_time()
    run(sup, n)
    seconds = (System.monotonic_time() - start) / System.convert_time_unit(1, :second, :native)
    :io.format("children ~.3f children/s~n", [n / seconds])
    System.halt()
  end

  defp run(_sup, 0), do: :ok

  defp run(sup, n) do
    {:ok, pid} = DynamicSupervisor.start_child(sup, {Child, n})
    :ok = DynamicSupervisor.terminate_child(sup, pid)
    run(sup, n - 1)
  end
end
