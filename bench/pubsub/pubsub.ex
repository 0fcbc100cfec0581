# SPDX-License-Identifier: MIT
# One publisher and 1,000 subscribers of its topic; done when each has had all. A registry with
# duplicate keys, as Phoenix's PubSub is made.
defmodule Bench.Pubsub do
  @subscribers 1_000

  def main([size]) do
    n = String.to_integer(size)
    {:ok, _} = Registry.start_link(keys: :duplicate, name: News)
    publisher = self()
    for _ <- 1..@subscribers, do: spawn(fn -> subscriber(publisher, n) end)
    await(:ready, @subscribers)
    start = System.monotonic_time()
    for i <- 1..n, do: broadcast({:tick, i})
    await(:done, @subscribers)
    seconds = (System.monotonic_time() - start) / System.convert_time_unit(1, :second, :native)
    :io.format("pubsub ~.3f deliveries/s~n", [n * @subscribers / seconds])
    System.halt()
  end

  defp broadcast(message) do
    Registry.dispatch(News, "weather", fn entries ->
      for {pid, _} <- entries, do: send(pid, message)
    end)
  end

  defp subscriber(publisher, n) do
    {:ok, _} = Registry.register(News, "weather", nil)
    send(publisher, :ready)
    take(n)
    send(publisher, :done)
  end

  defp take(0), do: :ok

  defp take(n) do
    receive do
      {:tick, _} -> take(n - 1)
    end
  end

  defp await(_, 0), do: :ok

  defp await(what, n) do
    receive do
      ^what -> await(what, n - 1)
    end
  end
end
