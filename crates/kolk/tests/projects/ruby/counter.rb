#!/usr/bin/env ruby
# frozen_string_literal: true

# A sum in seq-kv. A read first writes something new, so that what it sees is up to date.

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

node.on('read') do
  store.write(node.id, reads += 1)
  { type: 'read_ok', value: current.call }
end

node.run
