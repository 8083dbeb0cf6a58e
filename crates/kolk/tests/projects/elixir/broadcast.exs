# Tells every value to every node, again and again until each has heard.

{:ok, values} = Agent.start_link(fn -> [] end)

learn = fn message ->
  if message not in Agent.get(values, & &1) do
    Agent.update(values, &[message | &1])
    {id, ids} = KolkNode.names()

    for peer <- ids, peer != id do
      KolkNode.spawn_task(fn -> KolkNode.retry(peer, %{type: "gossip", message: message}) end)
    end
  end
end

KolkNode.run(%{
  "topology" => fn _, _ -> %{type: "topology_ok"} end,
  "broadcast" => fn body, _ ->
    learn.(body["message"])
    %{type: "broadcast_ok"}
  end,
  "gossip" => fn body, _ ->
    learn.(body["message"])
    %{type: "gossip_ok"}
  end,
  "read" => fn _, _ ->
    %{type: "read_ok", messages: values |> Agent.get(& &1) |> Enum.reverse()}
  end
})
