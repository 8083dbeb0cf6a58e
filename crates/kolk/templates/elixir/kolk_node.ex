defmodule KolkNode do
  @moduledoc """
  A node on any clock. Each handler is a process, and one of them runs at a time, until it waits or
  ends: what they share (an Agent, an ETS table) sees them one after the other.
  """

  defmodule Error do
    @moduledoc "An error reply, or no reply in time (code 0: it may have happened)."
    defexception [:code, :text]
    def message(error), do: "error #{error.code}: #{error.text}"
  end

  @doc """
  Serves until the input ends. A handler gets the body, with strings as keys, and who sent it, and
  gives the reply's body or nil; that of init is called when the node knows its name.
  """
  def run(handlers), do: KolkNode.Server.run(handlers)

  @doc "The node's name and all names, as `{id, ids}`."
  def names, do: ask_node(:names)

  @doc "Nanoseconds. A node in lockstep may know no other time."
  def now, do: ask_node(:now)

  @doc "Sends a message that wants no reply."
  def send_message(dest, body), do: ask_node({:send, dest, body})

  @doc "Runs a function beside the others, until it waits."
  def spawn_task(run), do: ask_node({:spawn, run})

  @doc "Waits."
  def sleep(ms), do: ask_node({:sleep, ms})

  @doc "The reply's body; raises KolkNode.Error for an error, or when time is up."
  def rpc(dest, body, ms \\ 1000) do
    case ask_node({:rpc, dest, body, ms}) do
      %{"type" => "error", "code" => code} = reply -> raise Error, code: code, text: reply["text"]
      reply -> reply
    end
  end

  @doc "An RPC again and again until it is answered: for what may happen twice."
  def retry(dest, body, ms \\ 1000) do
    rpc(dest, body, ms)
  rescue
    error in Error ->
      if error.code not in [0, 11], do: reraise(error, __STACKTRACE__)
      sleep(ms)
      retry(dest, body, ms)
  end

  defp ask_node(request) do
    send(Process.get(:node), {:task, self(), request})
    receive do: ({:node, answer} -> answer)
  end
end
