#!/usr/bin/env ruby
# frozen_string_literal: true

# A sum in seq-kv. The first node reads for all, and writes something new before it does.

require_relative 'kolknode'

node = Node.new
store = KeyValue.new(node, 'seq-kv')
reads = 0

current = lambda do
  store.read('sum')
rescue RpcError => e
  raise if e.code != 20

  0
end

node.on('add') do |body|
  before = current.call
  store.cas('sum', before, before + body['delta'], create: true)
  { type: 'add_ok' }
rescue RpcError => e
  raise if e.code != 22

  node.sleep(0.01)
  retry
end

node.on('read') do |body|
  next node.rpc(node.ids.first, body) if node.id != node.ids.first

  store.write(node.id, reads += 1)
  { type: 'read_ok', value: current.call }
end

node.run
