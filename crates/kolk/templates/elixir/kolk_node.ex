defmodule KolkNode do
  # A handler that gives nil may answer later: a body with the request's msg_id as in_reply_to.
  @moduledoc "A node on any clock. Handlers are processes; one runs at a time, until it waits."

  defmodule Error do
    @moduledoc "An error reply, or no reply in time (code 0: it may have happened)."
    defexception [:code, :text]
    def message(error), do: "error #{error.code}: #{error.text}"
  end

  @doc "The node's name and all names, as `{id, ids}`."
  def names, do: ask_node(:names)

  @doc "Nanoseconds. A node in lockstep may know no other time."
  def now, do: ask_node(:now)

  @doc "Sends a message that wants no reply."
  def send_message(dest, body), do: ask_node({:send, dest, body})

  @doc "Runs a function beside the others, until it waits."
  def spawn_task(run), do: ask_node({:spawn, run})

  @doc "Waits."
  def sleep(ms), do: ask_node({:wait, now() + ms * 1_000_000, :sleep})

  @doc "The reply's body; raises KolkNode.Error for an error, or when time is up."
  def rpc(dest, body, ms \\ 1000) do
    number = ask_node(:number)
    send_message(dest, Map.put(body, "msg_id", number))

    case ask_node({:wait, now() + ms * 1_000_000, number}) do
      :late -> raise Error, code: 0, text: "no reply from #{dest} in time"
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

  @doc """
  Serves until the input ends. A handler gets the body, with strings as keys, and who sent it, and
  gives the reply's body or nil; that of init is called when the node knows its name.
  """
  def run(handlers) do
    # Erlang's own standard input and output wait for each other: `-noinput` leaves this to us.
    port = Port.open({:fd, 0, 1}, [:binary, :eof, line: 65_536])
    # Answers to a life before this one may still come, so that numbers begin anywhere.
    number = :rand.uniform(2 ** 32)
    node = %{port: port, line: [], id: nil, ids: [], at: nil, number: number, waits: []}
    loop(Map.put(node, :handlers, handlers))
  end

  defp loop(%{port: port, line: line} = node) do
    receive do
      {^port, :eof} -> :ok
      {^port, {:data, {:noeol, part}}} -> loop(%{node | line: [line | part]})
      {^port, {:data, {:eol, part}}} -> %{node | line: []} |> take_line([line | part]) |> loop()
    after
      pause(node) -> node |> fire() |> loop()
    end
  end

  # In lockstep time comes with lines alone.
  defp pause(%{at: nil, waits: [{due, _, _} | _]} = node),
    do: max(0, div(due - time(node) + 999_999, 1_000_000))

  defp pause(_), do: :infinity

  defp take_line(node, line) do
    node |> take(line |> IO.iodata_to_binary() |> Json.decode!()) |> fire() |> idle()
  rescue
    error ->
      IO.puts(:stderr, "not a message: #{Exception.message(error)}")
      idle(node)
  end

  defp take(node, %{"src" => src, "body" => body} = message) do
    node = %{node | at: message["at"] || node.at}

    cond do
      wait = List.keyfind(node.waits, body["in_reply_to"], 2) -> wake(node, wait, body)
      body["type"] == "init" -> init(node, src, body)
      body["in_reply_to"] || src == "clock" -> node
      true -> start(node, fn -> serve(node.handlers, src, body) end)
    end
  end

  defp init(node, src, %{"node_id" => id, "node_ids" => ids} = body) do
    offer = body["lockstep"]
    seed = if offer, do: String.to_integer(offer["seed"], 16)
    if offer, do: :rand.seed(:exsss, seed)
    node = if offer, do: %{node | number: 1 + div(seed, 2 ** 32)}, else: node
    reply = %{type: "init_ok", in_reply_to: body["msg_id"]}
    reply = if offer, do: Map.put(reply, :lockstep, %{version: 1}), else: reply
    node = write(%{node | id: id, ids: ids}, src, reply)
    start(node, fn -> serve(node.handlers, src, %{"type" => "init"}) end)
  end

  defp serve(handlers, src, body) do
    unknown = fn _, _ -> raise Error, code: 10, text: "unknown type #{body["type"]}" end
    reply = Map.get(handlers, body["type"], unknown).(body, src)
    if reply, do: answer(src, body, reply)
  rescue
    error in Error ->
      answer(src, body, %{type: "error", code: error.code, text: error.text})

    error ->
      IO.puts(:stderr, Exception.format(:error, error, __STACKTRACE__))
      answer(src, body, %{type: "error", code: 13, text: Exception.message(error)})
  end

  defp answer(src, body, reply) do
    if id = body["msg_id"], do: send_message(src, Map.put(reply, "in_reply_to", id))
  end

  defp start(node, run) do
    {task, _} = spawn_monitor(__MODULE__, :work, [self(), :rand.uniform(1_000_000_000), run])
    turn(node, task)
  end

  @doc false
  def work(server, seed, run) do
    Process.put(:node, server)
    :rand.seed(:exsss, seed)
    run.()
  end

  defp resume(node, task, answer) do
    send(task, {:node, answer})
    turn(node, task)
  end

  # Does what the task asks for, until it waits or ends.
  defp turn(node, task) do
    receive do
      {:DOWN, _, :process, ^task, _} -> node
      {:task, ^task, :names} -> resume(node, task, {node.id, node.ids})
      {:task, ^task, :now} -> resume(node, task, time(node))
      {:task, ^task, :number} -> resume(%{node | number: node.number + 1}, task, node.number)
      {:task, ^task, {:send, dest, body}} -> node |> write(dest, body) |> resume(task, :ok)
      {:task, ^task, {:spawn, run}} -> node |> start(run) |> resume(task, :ok)
      {:task, ^task, {:wait, due, number}} -> wait(node, {due, task, number})
    end
  end

  defp wait(node, wait), do: %{node | waits: List.keysort(node.waits ++ [wait], 0)}

  defp wake(node, {_, task, _} = wait, answer),
    do: resume(%{node | waits: List.delete(node.waits, wait)}, task, answer)

  defp fire(%{waits: [{due, _, _} = wait | _]} = node),
    do: if(due <= time(node), do: node |> wake(wait, :late) |> fire(), else: node)

  defp fire(node), do: node

  defp idle(%{at: nil} = node), do: node

  defp idle(node),
    do: write(node, "clock", %{type: "idle", wake_at: Enum.find_value(node.waits, &elem(&1, 0))})

  defp time(node), do: node.at || System.monotonic_time(:nanosecond)

  defp write(node, dest, body) do
    Port.command(node.port, [Json.encode(%{src: node.id, dest: dest, body: body}), ?\n])
    node
  end
end

defmodule KeyValue do
  @moduledoc "A client of lin-kv, seq-kv or lww-kv. Error 20: no such key; 22: another value."

  def read(store, key), do: KolkNode.rpc(store, %{type: "read", key: key})["value"]

  def write(store, key, value), do: KolkNode.rpc(store, %{type: "write", key: key, value: value})

  def cas(store, key, from, to, create \\ false) do
    body = %{type: "cas", key: key, from: from, to: to, create_if_not_exists: create}
    KolkNode.rpc(store, body)
  end
end
