# Processes, messages with a time limit, random numbers.
defmodule Node0 do
  def read(parent) do
    case IO.gets("") do
      :eof -> send(parent, :eof)
      line -> send(parent, {:line, String.trim(line)}); read(parent)
    end
  end

  def say(words, began) do
    IO.puts("#{words} #{div(System.monotonic_time(:millisecond) - began, 10)} #{div(System.system_time(:millisecond), 10)}")
  end

  def loop(began) do
    receive do
      :tick -> say("tick #{:rand.uniform(1000)}", began); Process.send_after(self(), :tick, 1000); loop(began)
      {:line, line} -> say("echo #{line}", began); Process.send_after(self(), {:later, line}, 250); loop(began)
      {:later, line} -> say("later #{line}", began); loop(began)
      :eof -> :ok
    after
      700 -> say("idle", began); loop(began)
    end
  end
end

began = System.monotonic_time(:millisecond)
me = self()
spawn(fn -> Node0.read(me) end)
Process.send_after(self(), :tick, 1000)
Node0.loop(began)
