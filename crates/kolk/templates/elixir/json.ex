defmodule Json do
  @moduledoc "JSON: objects are maps with strings as keys. Elixir's own comes with 1.18."

  @doc "Reads one value; raises MatchError or FunctionClauseError if the text is none."
  def decode!(text) do
    {value, rest} = value(blanks(text))
    "" = blanks(rest)
    value
  end

  defp blanks(<<c, rest::binary>>) when c in ' \t\r\n', do: blanks(rest)
  defp blanks(text), do: text

  defp value("null" <> rest), do: {nil, rest}
  defp value("true" <> rest), do: {true, rest}
  defp value("false" <> rest), do: {false, rest}
  defp value("\"" <> rest), do: string(rest, [])
  defp value("{" <> rest), do: object(blanks(rest), %{})
  defp value("[" <> rest), do: array(blanks(rest), [])

  defp value(text) do
    [digits] = Regex.run(~r/^-?\d+(\.\d+)?([eE][+-]?\d+)?/, text, capture: :first)
    rest = binary_part(text, byte_size(digits), byte_size(text) - byte_size(digits))

    case Integer.parse(digits) do
      {integer, ""} -> {integer, rest}
      {integer, "e" <> _ = exponent} -> {String.to_float("#{integer}.0#{exponent}"), rest}
      {integer, "E" <> _ = exponent} -> {String.to_float("#{integer}.0#{exponent}"), rest}
      _ -> {String.to_float(digits), rest}
    end
  end

  defp object("}" <> rest, map), do: {map, rest}
  defp object("," <> rest, map), do: object(blanks(rest), map)

  defp object("\"" <> rest, map) do
    {key, rest} = string(rest, [])
    ":" <> rest = blanks(rest)
    {value, rest} = value(blanks(rest))
    object(blanks(rest), Map.put(map, key, value))
  end

  defp array("]" <> rest, items), do: {Enum.reverse(items), rest}
  defp array("," <> rest, items), do: array(blanks(rest), items)

  defp array(text, items) do
    {item, rest} = value(text)
    array(blanks(rest), [item | items])
  end

  defp string("\"" <> rest, parts), do: {parts |> Enum.reverse() |> IO.iodata_to_binary(), rest}

  defp string("\\u" <> <<a::binary-size(4), "\\u", b::binary-size(4), rest::binary>>, parts)
       when binary_part(a, 0, 2) in ~w(d8 d9 da db D8 D9 DA DB) do
    high = String.to_integer(a, 16) - 0xD800
    low = String.to_integer(b, 16) - 0xDC00
    string(rest, [<<0x10000 + high * 0x400 + low::utf8>> | parts])
  end

  defp string("\\u" <> <<code::binary-size(4), rest::binary>>, parts),
    do: string(rest, [<<String.to_integer(code, 16)::utf8>> | parts])

  defp string("\\" <> <<c, rest::binary>>, parts), do: string(rest, [escaped(c) | parts])

  defp string(text, parts) do
    # As far as nothing has to be changed, in one piece.
    {at, _} = :binary.match(text, ["\"", "\\"])
    <<plain::binary-size(at), rest::binary>> = text
    string(rest, [plain | parts])
  end

  defp escaped(?b), do: "\b"
  defp escaped(?f), do: "\f"
  defp escaped(?n), do: "\n"
  defp escaped(?r), do: "\r"
  defp escaped(?t), do: "\t"
  defp escaped(c), do: <<c>>

  @doc "Writes a value on one line, as iodata."
  def encode(nil), do: "null"
  def encode(value) when is_boolean(value) or is_number(value), do: to_string(value)
  def encode(value) when is_atom(value), do: encode(Atom.to_string(value))

  def encode(value) when is_binary(value) do
    plain = Regex.replace(~r/["\\\x00-\x1f]/, value, &quoted/1)
    [?", plain, ?"]
  end

  def encode(value) when is_list(value) do
    [?[, value |> Enum.map(&encode/1) |> Enum.intersperse(?,), ?]]
  end

  def encode(value) when is_map(value) do
    pairs = for {key, item} <- value, do: [encode(to_string(key)), ?:, encode(item)]
    [?{, Enum.intersperse(pairs, ?,), ?}]
  end

  defp quoted(<<c>>) when c in '"\\', do: <<?\\, c>>
  defp quoted(<<c>>), do: "\\u00" <> (c |> Integer.to_string(16) |> String.pad_leading(2, "0"))
end
