# A sum in seq-kv. The first node reads for all, and writes something new before it does.

defmodule Counter do
  def current do
    KeyValue.read("seq-kv", "sum")
  rescue
    error in KolkNode.Error ->
      if error.code != 20, do: reraise(error, __STACKTRACE__)
      0
  end

  def add(delta) do
    before = current()
    KeyValue.cas("seq-kv", "sum", before, before + delta, true)
    %{type: "add_ok"}
  rescue
    error in KolkNode.Error ->
      if error.code != 22, do: reraise(error, __STACKTRACE__)
      KolkNode.sleep(10)
      add(delta)
  end
end

{:ok, reads} = Agent.start_link(fn -> 0 end)

KolkNode.run(%{
  "add" => fn body, _ -> Counter.add(body["delta"]) end,
  "read" => fn body, _ ->
    {id, [first | _]} = KolkNode.names()

    if id == first do
      KeyValue.write("seq-kv", id, Agent.get_and_update(reads, &{&1 + 1, &1 + 1}))
      %{type: "read_ok", value: Counter.current()}
    else
      KolkNode.rpc(first, body)
    end
  end
})
