defmodule KeyValue do
  @moduledoc """
  A client of lin-kv, seq-kv or lww-kv. Error 20: there is no such key; 22: its value is another.
  """

  def read(service, key), do: KolkNode.rpc(service, %{type: "read", key: key})["value"]

  def write(service, key, value),
    do: KolkNode.rpc(service, %{type: "write", key: key, value: value})

  def cas(service, key, from, to, create \\ false) do
    body = %{type: "cas", key: key, from: from, to: to, create_if_not_exists: create}
    KolkNode.rpc(service, body)
  end
end
