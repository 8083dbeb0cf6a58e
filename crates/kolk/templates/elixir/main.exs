# The echo node: what it is told comes back.

KolkNode.run(%{
  "echo" => fn body, _src -> %{type: "echo_ok", echo: body["echo"]} end
})
