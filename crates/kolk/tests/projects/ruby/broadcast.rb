#!/usr/bin/env ruby
# frozen_string_literal: true

# Tells every value to every node, again and again until each has heard.

require_relative 'kolknode'

node = Node.new
values = []

learn = lambda do |message|
  next if values.include?(message)

  values << message
  (node.ids - [node.id]).each do |peer|
    node.spawn { node.retry_rpc(peer, { type: 'gossip', message: message }) }
  end
end

node.on('topology') { { type: 'topology_ok' } }

node.on('broadcast') do |body|
  learn.call(body['message'])
  { type: 'broadcast_ok' }
end

node.on('gossip') do |body|
  learn.call(body['message'])
  { type: 'gossip_ok' }
end

node.on('read') { { type: 'read_ok', messages: values } }

node.run
