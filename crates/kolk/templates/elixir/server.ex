defmodule KolkNode.Server do
  @moduledoc "The process behind a node: its messages, timers and turns."

  alias KolkNode.Error

  defstruct port: nil,
            line: [],
            id: nil,
            ids: [],
            at: nil,
            number: 0,
            order: 0,
            timers: [],
            waiting: %{},
            handlers: %{}

  @doc "Serves until the input ends."
  def run(handlers) do
    # Erlang's own standard input and output wait for each other: `-noinput` leaves this to us.
    port = Port.open({:fd, 0, 1}, [:binary, :eof, line: 65_536])
    loop(%__MODULE__{port: port, handlers: handlers})
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
  defp pause(%{at: nil, timers: [{due, _, _} | _]} = node),
    do: max(0, div(due - time(node) + 999_999, 1_000_000))

  defp pause(_), do: :infinity

  defp idle(%{at: nil} = node), do: node

  defp idle(node) do
    wake_at = with [{due, _, _} | _] <- node.timers, do: due
    write(node, "clock", %{type: "idle", wake_at: if(wake_at != [], do: wake_at)})
  end

  defp take_line(node, line) do
    node |> take(line |> IO.iodata_to_binary() |> Json.decode!()) |> fire() |> idle()
  rescue
    error ->
      IO.puts(:stderr, "not a message: #{Exception.message(error)}")
      idle(node)
  end

  defp take(node, %{"src" => src, "body" => body} = message) do
    node = %{node | at: message["at"] || node.at}
    number = body["in_reply_to"]

    case {node.waiting[number], body} do
      {nil, %{"type" => "init"}} -> init(node, src, body)
      {nil, _} when number != nil or src == "clock" -> node
      {nil, _} -> start(node, fn -> serve(node.handlers, src, body) end)
      {task, _} -> resume(forget(node, number), task, body)
    end
  end

  defp init(node, src, %{"node_id" => id, "node_ids" => ids} = body) do
    reply = %{type: "init_ok", in_reply_to: body["msg_id"]}
    offer = body["lockstep"]
    reply = if offer, do: Map.put(reply, :lockstep, %{version: 1}), else: reply
    seed = if offer, do: String.to_integer(offer["seed"], 16), else: :rand.uniform(1_000_000_000)
    node = write(%{node | id: id, ids: ids}, src, reply)
    :rand.seed(:exsss, seed)

    if node.handlers["init"],
      do: start(node, fn -> serve(node.handlers, src, %{"type" => "init"}) end),
      else: node
  end

  defp serve(handlers, src, body) do
    unknown = fn _, _ -> raise Error, code: 10, text: "unknown type #{body["type"]}" end
    reply = Map.get(handlers, body["type"], unknown).(body, src)
    if reply, do: answer(src, body, reply)
  rescue
    error in Error -> answer(src, body, %{type: "error", code: error.code, text: error.text})
    error -> answer(src, body, %{type: "error", code: 13, text: Exception.message(error)})
  end

  defp answer(src, body, reply) do
    if id = body["msg_id"], do: KolkNode.send_message(src, Map.put(reply, :in_reply_to, id))
  end

  defp start(node, run) do
    server = self()
    seed = :rand.uniform(1_000_000_000)

    {task, _} =
      spawn_monitor(fn ->
        Process.put(:node, server)
        :rand.seed(:exsss, seed)
        run.()
      end)

    turn(node, task)
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
      {:task, ^task, {:send, dest, body}} -> node |> write(dest, body) |> resume(task, :ok)
      {:task, ^task, {:spawn, run}} -> node |> start(run) |> resume(task, :ok)
      {:task, ^task, {:sleep, ms}} -> later(node, ms, {task, :ok, nil})
      {:task, ^task, {:rpc, dest, body, ms}} -> rpc(node, task, dest, body, ms)
    end
  end

  defp rpc(node, task, dest, body, ms) do
    number = node.number + 1
    late = %{"type" => "error", "code" => 0, "text" => "no reply from #{dest} in time"}
    node = %{node | number: number, waiting: Map.put(node.waiting, number, task)}
    node |> later(ms, {task, late, number}) |> write(dest, Map.put(body, :msg_id, number))
  end

  defp forget(node, number) do
    timers = Enum.reject(node.timers, &match?({_, _, {_, _, ^number}}, &1))
    %{node | timers: timers, waiting: Map.delete(node.waiting, number)}
  end

  defp later(node, ms, action) do
    timer = {time(node) + ms * 1_000_000, node.order, action}
    %{node | order: node.order + 1, timers: Enum.sort([timer | node.timers])}
  end

  defp fire(%{timers: [{due, _, {task, answer, number}} | rest]} = node) do
    if due <= time(node) do
      waiting = Map.delete(node.waiting, number)
      %{node | timers: rest, waiting: waiting} |> resume(task, answer) |> fire()
    else
      node
    end
  end

  defp fire(node), do: node

  defp time(node), do: node.at || System.monotonic_time(:nanosecond)

  defp write(node, dest, body) do
    Port.command(node.port, [Json.encode(%{src: node.id, dest: dest, body: body}), ?\n])
    node
  end
end
