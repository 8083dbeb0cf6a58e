# A sum in seq-kv. A read first writes something new, so that what it sees is up to date.

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
  "read" => fn _, _ ->
    {id, _} = KolkNode.names()
    KeyValue.write("seq-kv", id, Agent.get_and_update(reads, &{&1 + 1, &1 + 1}))
    %{type: "read_ok", value: Counter.current()}
  end
})
